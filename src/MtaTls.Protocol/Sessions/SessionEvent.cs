namespace MtaTls.Protocol;

/// <summary>An event that can change a session's state. <see cref="SessionState"/> explains each of them.</summary>
internal enum SessionEvent : byte
{
    Refuse,
    Complete,
    CutOff,
    TransportEnds,
}
