using System.Globalization;

namespace MtaTls.Protocol;

/// <summary>A channel's id (section 2.1.1): sender_channel_id and receiver_channel_id, where the sender is the end that opened the channel.</summary>
/// <param name="Value">The four bytes as one big-endian number.</param>
public readonly record struct ChannelId(uint Value)
{
    internal ChannelId(ushort sender, ushort receiver) : this((uint)sender << 16 | receiver) { }

    /// <summary>sender_channel_id: the half that the opener chose.</summary>
    public ushort Sender => (ushort)(Value >> 16);

    /// <summary>receiver_channel_id: the half that the other end chose.</summary>
    public ushort Receiver => (ushort)Value;

    /// <summary>The id as eight hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x8", CultureInfo.InvariantCulture);
}
