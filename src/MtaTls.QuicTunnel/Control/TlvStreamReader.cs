namespace MtaTls.QuicTunnel.Control;

/// <summary>
/// Reads the single TLV that a stream of the tunnel may carry, in pieces of any size. It buffers at most that TLV,
/// and allocates nothing before the first byte.
/// </summary>
internal struct TlvStreamReader
{
    private byte[]? _buffer;
    private int _length;

    public readonly TlvType Type => (TlvType)_buffer![0];

    public readonly ReadOnlySpan<byte> Value => _buffer.AsSpan(Tlv.HeaderLength, _length - Tlv.HeaderLength);

    public readonly bool HasType => _length > 0;

    private readonly bool IsWhole => _length >= Tlv.HeaderLength && _length == Tlv.HeaderLength + _buffer![1];

    public TlvStreamStatus Append(ReadOnlySpan<byte> data, bool fin)
    {
        while (!data.IsEmpty)
        {
            if (IsWhole)
            {
                return TlvStreamStatus.Excess;
            }

            _buffer ??= new byte[Tlv.HeaderLength + 2];
            int wanted = (_length < Tlv.HeaderLength ? Tlv.HeaderLength : Tlv.HeaderLength + _buffer[1]) - _length;
            int taken = Math.Min(wanted, data.Length);
            if (_buffer.Length < _length + taken)
            {
                Array.Resize(ref _buffer, Tlv.HeaderLength + _buffer[1]);
            }

            data[..taken].CopyTo(_buffer.AsSpan(_length));
            _length += taken;
            data = data[taken..];
        }

        if (IsWhole)
        {
            return TlvStreamStatus.Complete;
        }

        if (!fin)
        {
            return TlvStreamStatus.Incomplete;
        }

        return _length == 0 ? TlvStreamStatus.Empty : TlvStreamStatus.Truncated;
    }
}
