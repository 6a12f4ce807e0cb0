using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Reads the bodies of registrations. A body that is too long is not stored but still received, because an agent reads no answer before it has sent everything.</summary>
internal static class RegistrationBody
{
    /// <summary>The most bytes of a body that are received before the connection ends.</summary>
    private const long MostReceived = 16 << 20;

    /// <summary>The bytes for everything except the names.</summary>
    private const int Least = 256 * 1024;

    /// <summary>A name of 253 characters with its port, quotes and a comma.</summary>
    private const int LongestName = 264;

    /// <summary>The longest body of a registration with as many names as the options allow.</summary>
    public static int MostBytes(MtaTlsAgentsOptions options) => Least + (options.MaxNamesPerAgent * LongestName);

    /// <summary>Reads a body of JSON.</summary>
    /// <returns>The message; null if the body is not valid JSON of this type, or is too long.</returns>
    public static async Task<(T? Message, bool IsTooLong)> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, int most)
        where T : class
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = MostReceived;
        }

        if (!context.Request.HasJsonContentType())
        {
            return default;
        }

        PipeReader body = context.Request.BodyReader;
        try
        {
            while (true)
            {
                ReadResult result = await body.ReadAsync(context.RequestAborted);
                if (result.Buffer.Length > most)
                {
                    body.AdvanceTo(result.Buffer.End);
                    return (null, true);
                }

                if (!result.IsCompleted)
                {
                    body.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                    continue;
                }

                T? message = Parse(result.Buffer, type);
                body.AdvanceTo(result.Buffer.End);
                return (message, false);
            }
        }
        catch (BadHttpRequestException)
        {
            return default;
        }
    }

    private static T? Parse<T>(in ReadOnlySequence<byte> text, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            Utf8JsonReader reader = new(text);
            T? message = JsonSerializer.Deserialize(ref reader, type);
            return reader.Read() ? null : message;
        }
        catch (JsonException)
        {
            // The caller tells the agent, without the bytes that came.
            return null;
        }
    }
}
