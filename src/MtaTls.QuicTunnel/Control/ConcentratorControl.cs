using System.Buffers.Binary;

namespace MtaTls.QuicTunnel.Control;

/// <summary>
/// The concentrator's side of the control plane of one connection: the messages that are allowed on the control stream and on other streams, and their
/// order. It does not depend on QUIC. A violation is a <see cref="ControlViolationException"/>.
/// </summary>
/// <param name="handler">Receives the messages.</param>
/// <param name="controlStreamId">The peer's control stream.</param>
/// <param name="maxReportStreams">The most reports whose streams have not ended.</param>
/// <param name="ofNode">Whether the peer is another concentrator, which relays a client's connection.</param>
internal sealed class ConcentratorControl(IConcentratorControlHandler handler, long controlStreamId, int maxReportStreams, bool ofNode = false)
{
    private const int PathLimitLength = 2;

    private readonly Dictionary<long, TlvStreamReader> _reports = [];
    private TlvStreamReader _control;
    private bool _controlEnded;
    private long _lastLimitStream;

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

    /// <summary>A client may reset a stream to cancel its report. It must not reset the control stream before its message is complete.</summary>
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
                throw new ControlViolationException("The client sent data after its session was negotiated.");
            }

            _controlEnded |= fin;
            return;
        }

        TlvStreamStatus status = _control.Append(data, fin);
        // Check the type before the value arrives, which may never happen.
        if (_control.HasType && !(ofNode ? _control.Type == TlvType.RelayJoin : _control.Type is TlvType.NewSession or TlvType.JoinSession))
        {
            throw new ControlViolationException($"{(ofNode ? "A concentrator's control stream carries Relay Join" : "A client's control stream carries New Session or Join Session")}, not TLV type 0x{(byte)_control.Type:x2}.");
        }

        switch (status)
        {
            case TlvStreamStatus.Incomplete:
                return;
            case TlvStreamStatus.Excess:
                throw new ControlViolationException("The client sent more than one message on its control stream.");
            case TlvStreamStatus.Empty or TlvStreamStatus.Truncated:
                throw new ControlViolationException("The client's control stream ended before its message was complete.");
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
        else if (_control.Type == TlvType.RelayJoin)
        {
            handler.OnRelayJoin(RelayJoin.TryRead(_control.Value, out RelayJoin? join) ? join : throw new ControlViolationException("The Relay Join TLV is malformed."));
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
            throw new ControlViolationException($"More than {maxReportStreams} Access Reports have streams that have not ended (MaxPendingReports).", QuicTunnelError.LimitExceeded);
        }

        TlvStreamStatus status = reader.Append(data, fin);
        if (reader.HasType && reader.Type != TlvType.AccessReport && !(ofNode && reader.Type == TlvType.PathLimit))
        {
            throw new ControlViolationException($"TLV type 0x{(byte)reader.Type:x2} is not allowed on a stream other than the control stream.");
        }

        if (status is TlvStreamStatus.Excess or TlvStreamStatus.Truncated or TlvStreamStatus.Empty
            || (status == TlvStreamStatus.Complete && reader.Value.Length != (reader.Type == TlvType.PathLimit ? PathLimitLength : AccessReport.ValueLength)))
        {
            throw new ControlViolationException("The Access Report is malformed.");
        }

        if (!fin)
        {
            // A report counts when its stream has ended. Until then the client may cancel it.
            _reports[streamId] = reader;
            return;
        }

        _reports.Remove(streamId);
        if (reader.Type == TlvType.PathLimit)
        {
            // A stream that was lost arrives after newer ones, whose limit counts.
            if (streamId < _lastLimitStream)
            {
                return;
            }

            _lastLimitStream = streamId;
            handler.OnPathLimit(BinaryPrimitives.ReadUInt16BigEndian(reader.Value));
        }
        else if (AccessReport.TryRead(reader.Value, out AccessReport report))
        {
            handler.OnAccessReport(report);
        }
    }
}
