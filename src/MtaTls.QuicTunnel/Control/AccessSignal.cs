namespace MtaTls.QuicTunnel.Control;

/// <summary>The signal of an Access Report.</summary>
internal enum AccessSignal : byte
{
    Available = 1,
    Unavailable = 2,
}
