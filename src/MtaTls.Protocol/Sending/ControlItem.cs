namespace MtaTls.Protocol;

/// <summary>A control packet to be sent. Either its channel is set, and the packet is built when it is sent, or the complete packet is.</summary>
internal readonly record struct ControlItem(ControlKind Kind, MtaTlsChannel? Channel, byte[]? Packet)
{
    /// <summary>Whether the item answers a packet of the peer, so that the peer decides how many of them there are.</summary>
    public bool IsAnswer => Kind is ControlKind.Refusal or ControlKind.Confirmation;
}
