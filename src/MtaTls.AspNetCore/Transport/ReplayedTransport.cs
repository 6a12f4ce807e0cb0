using System.IO.Pipelines;

namespace MtaTls.AspNetCore.Transport;

/// <summary>A transport whose first octets were read before.</summary>
internal sealed class ReplayedTransport(ReadOnlyMemory<byte> first, IDuplexPipe rest) : IDuplexPipe
{
    public PipeReader Input { get; } = first.IsEmpty ? rest.Input : new ReplayedReader(first, rest.Input);

    public PipeWriter Output => rest.Output;
}
