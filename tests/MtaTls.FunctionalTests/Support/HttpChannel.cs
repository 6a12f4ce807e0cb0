using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Support;

/// <summary>HTTP/1.1 as text on one channel.</summary>
internal sealed class HttpChannel(MtaTlsChannel channel) : IAsyncDisposable
{
    public MtaTlsChannel Channel => channel;

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> octets) => await channel.Output.WriteAsync(octets).Soon();

    public async Task<Response> GetAsync(string path)
    {
        await SendAsync($"GET {path} HTTP/1.1\r\nHost: app.test\r\n\r\n");
        return await ReadResponseAsync();
    }

    /// <summary>Reads one response: its body by Content-Length, chunked, or up to the end.</summary>
    public async Task<Response> ReadResponseAsync()
    {
        string head = await ReadUntilAsync("\r\n\r\n") ?? throw new EndOfStreamException("The channel ended before a response.");
        string[] lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        int status = int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture);
        var headers = lines.Skip(1).Select(l => l.Split(':', 2)).ToDictionary(p => p[0], p => p[1].Trim(), StringComparer.OrdinalIgnoreCase);
        string body = "";
        if (status is 100 or 101 or 204 or 304)
        {
        }
        else if (headers.TryGetValue("Content-Length", out string? length))
        {
            body = Encoding.UTF8.GetString(await ReadAsync(int.Parse(length, CultureInfo.InvariantCulture)));
        }
        else if (headers.TryGetValue("Transfer-Encoding", out string? coding) && coding == "chunked")
        {
            int size;
            do
            {
                size = int.Parse((await ReadUntilAsync("\r\n"))!.Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                body += Encoding.UTF8.GetString((await ReadAsync(size + 2)).AsSpan(0, size));
            }
            while (size > 0);
        }

        return new Response(status, headers, body);
    }

    /// <summary>Reads the headers of a response whose body does not arrive.</summary>
    public Task<string?> ReadResponseHeadAsync() => ReadUntilAsync("\r\n\r\n");

    public async Task<byte[]> ReadAsync(int count)
    {
        if (count == 0)
        {
            return [];
        }

        ReadResult result = await channel.Input.ReadAtLeastAsync(count).Soon();
        if (result.Buffer.Length < count)
        {
            throw new EndOfStreamException();
        }

        ReadOnlySequence<byte> wanted = result.Buffer.Slice(0, count);
        byte[] octets = wanted.ToArray();
        channel.Input.AdvanceTo(wanted.End);
        return octets;
    }

    /// <summary>Waits until the server closes the channel, and returns the data before that.</summary>
    public async Task<string> ReadToEndAsync()
    {
        StringBuilder text = new();
        while (true)
        {
            ReadResult result = await channel.Input.ReadAsync().Soon();
            text.Append(Encoding.UTF8.GetString(result.Buffer));
            channel.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return text.ToString();
            }
        }
    }

    public ValueTask DisposeAsync() => channel.DisposeAsync();

    private async Task<string?> ReadUntilAsync(string end)
    {
        while (true)
        {
            ReadResult result = await channel.Input.ReadAsync().Soon();
            SequenceReader<byte> reader = new(result.Buffer);
            if (reader.TryReadTo(out ReadOnlySequence<byte> found, Encoding.ASCII.GetBytes(end)))
            {
                string text = Encoding.UTF8.GetString(found);
                channel.Input.AdvanceTo(reader.Position);
                return text;
            }

            channel.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted)
            {
                return null;
            }
        }
    }

    internal sealed record Response(int Status, Dictionary<string, string> Headers, string Body);
}
