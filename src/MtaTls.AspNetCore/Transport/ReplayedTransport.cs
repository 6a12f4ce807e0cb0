using System.IO.Pipelines;

namespace MtaTls.AspNetCore.Transport;

/// <summary>Kestrel's transport of a connection whose first bytes were read before. It returns them again.</summary>
internal sealed class ReplayedTransport(ReadOnlyMemory<byte> first, IDuplexPipe rest) : IDuplexPipe
{
    public PipeReader Input { get; } = first.IsEmpty ? rest.Input : new ReplayedReader(first, rest.Input);

    public PipeWriter Output => rest.Output;
}
