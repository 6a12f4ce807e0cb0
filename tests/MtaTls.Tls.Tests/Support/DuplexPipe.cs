using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.Tls.Tests.Support;

internal sealed class DuplexPipe(PipeReader input, PipeWriter output, IDisposable? owned = null) : IDuplexPipe, IDisposable
{
    public PipeReader Input => input;

    public PipeWriter Output => output;

    /// <summary>Two ends in memory.</summary>
    public static (DuplexPipe Client, DuplexPipe Server) InMemory(PipeOptions? options = null)
    {
        options ??= new PipeOptions(useSynchronizationContext: false);
        var up = new Pipe(options);
        var down = new Pipe(options);
        return (new DuplexPipe(down.Reader, up.Writer), new DuplexPipe(up.Reader, down.Writer));
    }

    /// <summary>Two ends of a TCP connection over the loopback.</summary>
    public static async Task<(Socket Client, Socket Server)> SocketsAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(listener.LocalEndPoint!);
        Socket server = await listener.AcceptAsync();
        server.NoDelay = true;
        return (client, server);
    }

    public static DuplexPipe Over(Stream stream)
        => new(PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true)), PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)), stream);

    public static DuplexPipe Over(Socket socket) => Over(new NetworkStream(socket, ownsSocket: true));

    /// <summary>Ends the transport in both directions, as a closed socket does.</summary>
    public void Close()
    {
        owned?.Dispose();
        input.Complete();

        // A closed socket cannot send unflushed data.
        output.Complete(owned is null ? null : new IOException("The transport was closed."));
    }

    public void Dispose() => Close();
}
