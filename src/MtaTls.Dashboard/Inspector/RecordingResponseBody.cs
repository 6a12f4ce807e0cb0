using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace MtaTls.Dashboard.Inspector;

/// <summary>A response body whose bytes the recorder sees.</summary>
internal sealed class RecordingResponseBody(IHttpResponseBodyFeature inner, BodyRecorder recorder) : IHttpResponseBodyFeature
{
    public Stream Stream => field ??= new RecordingStream(inner.Stream, recorder);

    public PipeWriter Writer => field ??= new RecordingPipeWriter(inner.Writer, recorder);

    public void DisableBuffering() => inner.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        recorder.Begin();
        return inner.StartAsync(cancellationToken);
    }

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
    {
        recorder.Begin();
        recorder.Skip(count ?? new FileInfo(path).Length - offset);
        return inner.SendFileAsync(path, offset, count, cancellationToken);
    }

    public Task CompleteAsync() => inner.CompleteAsync();
}
