using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

/// <summary>Connections over an interface that fails and recovers, in a network namespace that belongs to one thread.</summary>
public partial class QuicInterfaceTests
{
    private const int NewNetwork = 0x40000000;

    [Fact]
    public async Task A_network_failure_is_reported_at_once_and_the_connection_continues_after_it()
    {
        Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
        using var network = new NetworkThread();
        Assert.SkipUnless(network.Run(() => Unshare(NewNetwork) == 0), "Network namespaces are not permitted here.");
        network.Run(() => Ip("link set lo up"));

        // A socket belongs to the namespace of the thread that creates it.
        QuicFixture quic = network.Run(() => new QuicFixture());
        (IQuicConnection? connection, RecordingHandler? handler) = network.Run(() => quic.Connect());
        await handler.Connected;
        RecordingHandler server = await quic.AcceptedAsync();

        network.Run(() => Ip("addr del 127.0.0.1/8 dev lo"));
        SocketError error = await Probe(connection, handler);
        Assert.NotEqual(SocketError.Success, error);
        Assert.True(connection.IsConnected);
        Assert.True(connection.Statistics.SendErrors > 0);

        network.Run(() => Ip("addr add 127.0.0.1/8 dev lo"));
        Assert.Equal(SocketError.Success, await Probe(connection, handler));
        await RecordingHandler.Until(() =>
        {
            connection.TrySendDatagram([], "back"u8);
            return server.DatagramCount > 0;
        });
        await quic.DisposeAsync();
    }

    private static async Task<SocketError> Probe(IQuicConnection connection, RecordingHandler handler)
    {
        SocketError error = default;
        await RecordingHandler.Until(() =>
        {
            connection.Ping();
            return handler.SendErrors.TryRead(out error);
        });
        return error;
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    private static bool Ip(string arguments)
    {
        using Process ip = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        string errors = ip.StandardError.ReadToEnd();
        ip.WaitForExit();
        Assert.True(ip.ExitCode == 0, $"ip {arguments}: {errors}");
        return true;
    }

    /// <summary>A thread that runs functions one after another.</summary>
    private sealed class NetworkThread : IDisposable
    {
        private readonly System.Collections.Concurrent.BlockingCollection<Action> _work = [];

        public NetworkThread() => new Thread(() =>
        {
            foreach (Action work in _work.GetConsumingEnumerable())
            {
                work();
            }
        })
        { IsBackground = true }.Start();

        public T Run<T>(Func<T> function)
        {
            var result = new TaskCompletionSource<T>();
            _work.Add(() =>
            {
                try
                {
                    result.SetResult(function());
                }
                catch (Exception exception)
                {
                    result.SetException(exception);
                }
            });
            return result.Task.GetAwaiter().GetResult();
        }

        public void Dispose() => _work.CompleteAdding();
    }
}
