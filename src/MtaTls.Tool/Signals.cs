using System.Runtime.InteropServices;
using MtaTls.Tool.Output;

namespace MtaTls.Tool;

/// <summary>Handles SIGINT and SIGTERM: the first signal stops the command gracefully, the second ends it at once.</summary>
internal sealed class Signals : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _count;

    public Signals(Terminal terminal)
    {
        _registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            if (Interlocked.Increment(ref _count) > 1)
            {
                Environment.Exit(ExitCode.Interrupted);
            }

            terminal.Note("mtatls: stopping. A second signal ends the process at once.");
            ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), _stopping, preferLocal: false);
        }))];
    }

    /// <summary>Canceled by the first signal.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }
    }
}
