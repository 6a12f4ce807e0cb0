namespace MtaTls.Protocol;

/// <summary>A control packet to be sent: of a channel, or complete as it is.</summary>
internal readonly record struct ControlItem(ControlKind Kind, MtaTlsChannel? Channel, byte[]? Packet)
{
    /// <summary>Whether the peer alone decides how many of these there are.</summary>
    public bool IsAnswer => Kind is ControlKind.Refusal or ControlKind.Confirmation;
}
