namespace MtaTls.QuicTunnel.Control;

internal enum AccessSignal : byte
{
    Available = 1,
    Unavailable = 2,
}
