using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using MtaTls.Configuration;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>Measures the memory of a concentrator's process for each session with two connections, including native memory. The clients run in another process.</summary>
internal static class IdleMemory
{
    private const int Sessions = 500;

    public static async Task RunAsync()
    {
        using Process server = Process.Start(new ProcessStartInfo("dotnet", [typeof(IdleMemory).Assembly.Location, "memory-server"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        string[] first = (await server.StandardOutput.ReadLineAsync())!.Split(' ', 2);
        int port = int.Parse(first[0]);
        string directory = first[1];
        await using IQuicEngine engine = QuicEngine.Create(NullLoggerFactory.Instance);
        X509Certificate2Collection authorities = CertificateFiles.LoadAuthorities(Path.Combine(directory, "ca.pem"), "ca.pem");
        // Open some sessions first, because the first ones also allocate memory that all sessions share.
        await OpenAsync(engine, authorities, port, 20);
        long before = await AskAsync(server);
        await OpenAsync(engine, authorities, port, Sessions);
        long after = await AskAsync(server);
        Console.WriteLine($"\n| idle sessions with two paths | RSS before, MiB | after, MiB | KiB each |\n|---|---|---|---|");
        Console.WriteLine($"| {Sessions} | {before / 1048576.0:f1} | {after / 1048576.0:f1} | {(after - before) / 1024.0 / Sessions:f1} |");
        server.StandardInput.Close();
        await server.WaitForExitAsync();
    }

    public static async Task ServeAsync()
    {
        string directory = Directory.CreateTempSubdirectory("bench-").FullName;
        using IHost host = await InMemoryTunnel.StartAsync(directory);
        Console.WriteLine($"{InMemoryTunnel.PortOf(host)} {directory}");
        while (Console.ReadLine() is not null)
        {
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            using var process = Process.GetCurrentProcess();
            Console.WriteLine(process.WorkingSet64);
            Console.Error.WriteLine($"managed {GC.GetTotalMemory(true) / 1024} KiB");
        }

        await host.StopAsync();
        Directory.Delete(directory, recursive: true);
    }

    private static async Task<long> AskAsync(Process server)
    {
        await server.StandardInput.WriteLineAsync();
        return long.Parse((await server.StandardOutput.ReadLineAsync())!);
    }

    private static async Task OpenAsync(IQuicEngine engine, System.Security.Cryptography.X509Certificates.X509Certificate2Collection authorities, int port, int count)
    {
        for (int i = 0; i < count; i++)
        {
            byte[] id = await new Peer().NegotiateAsync(engine, authorities, port, Tlv.Encode(TlvType.NewSession, []), i);
            await new Peer().NegotiateAsync(engine, authorities, port, Tlv.Encode(TlvType.JoinSession, id.AsSpan(2)), i);
        }
    }

    private sealed class Peer : IQuicConnectionHandler
    {
        private readonly TaskCompletionSource<byte[]> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<byte> _received = [];
        private byte[] _message = [];
        private int _number;

        public Task<byte[]> NegotiateAsync(
            IQuicEngine engine, System.Security.Cryptography.X509Certificates.X509Certificate2Collection authorities, int port, byte[] message, int number)
        {
            _message = message;
            _number = number;
            engine.Connect(
                new QuicClientOptions(new IPEndPoint(IPAddress.Loopback, port), "concentrator.example") { TrustedAuthorities = authorities, ApplicationProtocols = TunnelProtocol.ApplicationProtocols, IdleTimeout = TimeSpan.FromMinutes(10) }, this);
            return _answer.Task;
        }

        public void OnConnected(IQuicConnection connection) => connection.SendStream(connection.OpenUnidirectionalStream(), _message, fin: true);

        public void OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
        {
            _received.AddRange(data);
            if (!fin)
            {
                return;
            }
            // Send one packet, because a session allocates some memory with its first packet.
            Span<byte> packet = stackalloc byte[28];
            packet.Clear();
            packet[0] = 0x45;
            packet[3] = 28;
            packet[8] = 64;
            packet[9] = 17;
            BitConverter.TryWriteBytes(packet[12..], 0x0000630Au | (uint)((_number >> 8) + 1) << 16 | (uint)((_number & 0xFF) % 250 + 2) << 24);
            BitConverter.TryWriteBytes(packet[16..], 0x0100630Au);
            Span<byte> head = stackalloc byte[4];
            TunnelDatagram.WriteHeader(head, Packets.ProtocolType.IPv4, 0);
            connection.TrySendDatagram(head, packet);
            _answer.TrySetResult([.. _received]);
        }

        public void OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode) => _answer.TrySetException(new IOException($"refused {errorCode}"));

        public void OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data)
        {
        }

        public void OnClosed(IQuicConnection connection, QuicCloseReason reason) => _answer.TrySetException(new IOException(reason.ToString()));
    }
}
