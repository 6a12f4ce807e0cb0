using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace MtaTls.Dashboard.Inspector;

/// <summary>Records the requests of an endpoint, and sends a recorded request again.</summary>
internal static class RequestRecorder
{
    private static readonly TimeSpan s_replayTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Serves a request, and records it if the inspector is on.</summary>
    public static Task InvokeAsync(HttpContext context, RequestDelegate next)
        => context.RequestServices.GetService<RequestRing>() is { Options.Enabled: true } ring ? RecordAsync(ring, context, next, null) : next(context);

    /// <summary>
    /// Sends a request again to the endpoint that served it, without blanked headers and as the user who asks for it. The response is only recorded.
    /// </summary>
    public static async Task<Recording> ReplayAsync(RequestRing ring, Recording original, HttpContext caller)
    {
        await using AsyncServiceScope scope = caller.RequestServices.CreateAsyncScope();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(caller.RequestAborted);
        timeout.CancelAfter(s_replayTimeout);
        byte[] body = original.RequestBody.ToArray();
        DefaultHttpContext context = new() { RequestServices = scope.ServiceProvider, User = caller.User, RequestAborted = timeout.Token, TraceIdentifier = $"{caller.TraceIdentifier}:replay" };
        HttpRequest request = context.Request;
        (request.Method, request.Protocol, request.Scheme, request.Host) = (original.Method, original.Protocol, original.Scheme, original.Host);
        (request.PathBase, request.Path, request.QueryString) = (original.PathBase, original.Path, original.Query);
        foreach (RecordedHeader header in original.KnownHeaders)
        {
            request.Headers.Append(header.Name, header.Value);
        }

        request.Headers.Remove("Transfer-Encoding");
        request.ContentLength = body.Length > 0 ? body.Length : null;
        request.Body = new MemoryStream(body);
        request.RouteValues = new(original.RouteValues);
        context.Connection.RemoteIpAddress = caller.Connection.RemoteIpAddress;
        context.Connection.RemotePort = caller.Connection.RemotePort;
        context.Connection.LocalIpAddress = caller.Connection.LocalIpAddress;
        context.Connection.LocalPort = caller.Connection.LocalPort;
        context.Features.Set<IHttpRequestBodyDetectionFeature>(new BodyDetection(body.Length > 0));
        context.SetEndpoint(original.Endpoint);
        return await RecordAsync(ring, context, original.Next, original.Number);
    }

    private static async Task<Recording> RecordAsync(RequestRing ring, HttpContext context, RequestDelegate next, long? replayOf)
    {
        long begin = ring.Time.GetTimestamp();
        Recording recording = new(context, next, ring.Options, ring.Time.GetUtcNow(), replayOf);
        recording.ResponseBody.Begun = () => recording.NoteFirstByte(ring.Time.GetElapsedTime(begin).TotalMilliseconds);
        Stream body = context.Request.Body;
        IHttpResponseBodyFeature response = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        context.Request.Body = new RecordingStream(body, recording.RequestBody);
        context.Features.Set<IHttpResponseBodyFeature>(new RecordingResponseBody(response, recording.ResponseBody));
        Exception? error = null;
        try
        {
            await next(context);
        }
        catch (Exception e) when (replayOf is null)
        {
            error = e;
            throw;
        }
        catch (Exception e)
        {
            // For a request that is sent again, the failure is the recorded result.
            error = e;
        }
        finally
        {
            recording.Complete(context, ring.Time.GetElapsedTime(begin).TotalMilliseconds, error);
            ring.Add(recording);
            context.Request.Body = body;
            context.Features.Set(response);
        }

        return recording;
    }

    private sealed class BodyDetection(bool canHaveBody) : IHttpRequestBodyDetectionFeature
    {
        public bool CanHaveBody => canHaveBody;
    }
}
