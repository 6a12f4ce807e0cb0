namespace MtaTls.QuicTunnel.Control;

/// <summary>The client's side of the control plane of one connection. <paramref name="joining"/> tells which answer is expected.</summary>
internal sealed class ClientControl(IClientControlHandler handler, long controlStreamId, bool joining)
{
    private TlvStreamReader _control;
    private bool _answered;
    private bool _ended;

    public void OnStreamData(long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (streamId != controlStreamId)
        {
            throw new ControlViolationException("The concentrator opened a stream other than its control stream.");
        }

        if (_answered)
        {
            if (!data.IsEmpty || (fin && _ended))
            {
                throw new ControlViolationException("The concentrator sent a second answer.");
            }

            _ended |= fin;
            return;
        }

        TlvStreamStatus status = _control.Append(data, fin);
        if (_control.HasType && (joining || _control.Type != TlvType.SessionId))
        {
            throw new ControlViolationException($"TLV type 0x{(byte)_control.Type:x2} is not an answer to a {(joining ? "Join" : "New")} Session TLV.");
        }

        switch (status)
        {
            case TlvStreamStatus.Incomplete:
                return;
            case TlvStreamStatus.Empty when joining:
                _answered = _ended = true;
                handler.OnSessionJoined();
                return;
            case TlvStreamStatus.Complete when !_control.Value.IsEmpty:
                _answered = true;
                _ended = fin;
                handler.OnSessionCreated(_control.Value);
                return;
            default:
                throw new ControlViolationException("The answer on the concentrator's control stream is malformed.");
        }
    }

    public void OnStreamReset(long streamId, long errorCode)
    {
        if (streamId != controlStreamId || _answered)
        {
            return;
        }

        _answered = _ended = true;
        // An error code that this implementation does not know is treated as UNKNOWN_ERROR.
        handler.OnNegotiationRefused(errorCode is 1 or 2 ? (QuicTunnelError)errorCode : QuicTunnelError.Unknown);
    }
}
