namespace MtaTls.Protocol;

/// <summary>What happens to a session's life; see <see cref="SessionState"/>.</summary>
internal enum SessionEvent : byte
{
    Refuse,
    Complete,
    CutOff,
    TransportEnds,
}
