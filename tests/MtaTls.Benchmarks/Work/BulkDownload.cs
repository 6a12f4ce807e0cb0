using MtaTls.Benchmarks.Http;

namespace MtaTls.Benchmarks.Work;

/// <summary>A download that runs until it is stopped. It stops at the end of a response, so that the stream can be used again.</summary>
internal sealed class BulkDownload(IRequester requester)
{
    private static readonly EncodedRequest s_piece = EncodedRequest.Get($"/bytes/{8 << 20}");

    private readonly byte[] _buffer = new byte[64 * 1024];
    private long _received;
    private volatile bool _stopping;

    public long Received => Interlocked.Read(ref _received);

    public Task RunAsync(CancellationToken ct)
    {
        _stopping = false;
        return Task.Run(
            async () =>
            {
                while (!_stopping)
                {
                    await requester.GetAsync(s_piece, _buffer, count => Interlocked.Add(ref _received, count), ct);
                }
            },
            ct);
    }

    public void Stop() => _stopping = true;
}
