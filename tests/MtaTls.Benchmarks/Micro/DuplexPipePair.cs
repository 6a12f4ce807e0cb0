using System.IO.Pipelines;

namespace MtaTls.Benchmarks.Micro;

/// <summary>Two ends of an in-memory connection. Continuations run inline, because the thread pool is not measured.</summary>
internal static class DuplexPipePair
{
    private static readonly PipeOptions s_options = new(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false);

    public static (IDuplexPipe Near, IDuplexPipe Far) Create()
    {
        Pipe there = new(s_options), back = new(s_options);
        return (new End(back.Reader, there.Writer), new End(there.Reader, back.Writer));
    }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
