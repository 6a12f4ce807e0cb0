using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls;

/// <summary>A TLS connection as the transport of a session: the one place where the two meet.</summary>
internal sealed class TlsTransport(TlsConnection tls) : IMtaTlsTransport
{
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct = default) => tls.ReadAsync(buffer, ct);

    public Memory<byte> GetMemory(int sizeHint = 0) => tls.GetMemory(sizeHint);

    public void Advance(int count) => tls.Advance(count);

    public void Write(ReadOnlySpan<byte> packets) => tls.Write(packets);

    public ValueTask FlushAsync(CancellationToken ct = default) => tls.FlushAsync(ct);

    public ValueTask CompleteAsync(CancellationToken ct = default) => tls.CompleteAsync(ct);

    public void Abort(Exception? reason = null) => tls.Abort(reason);

    public void ForbidResumption() => tls.ForbidResumption();

    public ValueTask DisposeAsync() => tls.DisposeAsync();
}
