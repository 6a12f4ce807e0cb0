namespace MtaTls.QuicTunnel.Control;

/// <summary>
/// The concentrator's side of one connection's control plane: which stream is the control stream, what may come on it and on the
/// others, and in which order. Knows no QUIC; a rule broken is a <see cref="ControlViolationException"/>.
/// </summary>
internal sealed class ConcentratorControl(IConcentratorControlHandler handler, long controlStreamId, int maxReportStreams)
{
    private readonly Dictionary<long, TlvStreamReader> _reports = [];
    private TlvStreamReader _control;
    private bool _controlEnded;

    public bool Negotiated { get; private set; }

    public void OnStreamData(long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (streamId == controlStreamId)
        {
            OnControlData(data, fin);
        }
        else
        {
            OnReportData(streamId, data, fin);
        }
    }

    /// <summary>A client cancels a pending report by resetting its stream; its control stream it may not reset before the message.</summary>
    public void OnStreamReset(long streamId)
    {
        if (streamId != controlStreamId)
        {
            _reports.Remove(streamId);
        }
        else if (!Negotiated)
        {
            throw new ControlViolationException("The client reset its control stream before it had negotiated a session.");
        }
    }

    private void OnControlData(ReadOnlySpan<byte> data, bool fin)
    {
        if (Negotiated)
        {
            if (!data.IsEmpty || (fin && _controlEnded))
            {
                throw new ControlViolationException("A connection negotiates one session, once.");
            }

            _controlEnded |= fin;
            return;
        }

        TlvStreamStatus status = _control.Append(data, fin);
        // The type alone shows a wrong one: no need to wait for a value that may never come.
        if (_control.HasType && _control.Type is not (TlvType.NewSession or TlvType.JoinSession))
        {
            throw new ControlViolationException($"A client's control stream carries New Session or Join Session, not TLV type 0x{(byte)_control.Type:x2}.");
        }

        switch (status)
        {
            case TlvStreamStatus.Incomplete:
                return;
            case TlvStreamStatus.Excess:
                throw new ControlViolationException("A connection negotiates one session, once.");
            case TlvStreamStatus.Empty or TlvStreamStatus.Truncated:
                throw new ControlViolationException("The client's control stream ended before its message.");
        }

        if (_control.Type == TlvType.JoinSession && _control.Value.IsEmpty)
        {
            throw new ControlViolationException("A Join Session TLV needs a session id.");
        }

        Negotiated = true;
        _controlEnded = fin;
        if (_control.Type == TlvType.NewSession)
        {
            handler.OnNewSession(_control.Value);
        }
        else
        {
            handler.OnJoinSession(_control.Value);
        }

        _control = default;
    }

    private void OnReportData(long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (!_reports.TryGetValue(streamId, out TlvStreamReader reader) && _reports.Count >= maxReportStreams)
        {
            throw new ControlViolationException($"More than {maxReportStreams} Access Reports are pending.", QuicTunnelError.LimitExceeded);
        }

        TlvStreamStatus status = reader.Append(data, fin);
        if (reader.HasType && reader.Type != TlvType.AccessReport)
        {
            throw new ControlViolationException($"TLV type 0x{(byte)reader.Type:x2} came on a stream that is not the control stream.");
        }

        if (status is TlvStreamStatus.Excess or TlvStreamStatus.Truncated or TlvStreamStatus.Empty
            || (status == TlvStreamStatus.Complete && reader.Value.Length != AccessReport.ValueLength))
        {
            throw new ControlViolationException("Malformed Access Report.");
        }

        if (!fin)
        {
            // The report counts once its stream has ended: until then the client may still take it back.
            _reports[streamId] = reader;
            return;
        }

        _reports.Remove(streamId);
        if (AccessReport.TryRead(reader.Value, out AccessReport report))
        {
            handler.OnAccessReport(report);
        }
    }
}
