namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// Notices that the MTU of a path has become smaller while it is in use, and finds the new one (RFC 8899, sections 4.3 and 5). ngtcp2 discovers the MTU of a new path and never checks it again.
/// </summary>
/// <remarks>
/// <code>
/// state     | 3 large packets in a row lost | probe arrived                | 3 probes lost                | raise time
/// Trusted   | Suspected: probe the size     | -                            | -                            | Searching upward
/// Suspected | -                             | Trusted                      | Searching, limit = base      | -
/// Searching | -                             | next larger size, or Trusted | next smaller size or Trusted | -
/// </code>
/// A lost probe counts for ngtcp2's congestion control, although it is no sign of congestion (RFC 9000, section 14.4): ngtcp2 exempts only the probes of its own discovery. So the search goes upward,
/// and loses no more than three probes, those of the first size that is too large. Sizes are those of UDP payloads, in bytes. Used on the loop's thread only.
/// </remarks>
internal sealed class PathMtuGuard
{
    /// <summary>The size that every QUIC path carries (RFC 9000, section 14.1).</summary>
    public const int Base = 1200;

    private const int LossesBeforeSuspicion = 3;
    private const int ProbesPerSize = 3;
    private const int Granularity = 16;
    private const ulong RaiseInterval = 600_000_000_000; // RFC 8899, section 5.1.1: PMTU_RAISE_TIMER

    // Usual path MTUs (1280, 1300, 1320, 1380, 1400, 1420, 1440, 1460, 1480, 1492 and 1500) minus the headers of IPv4 or IPv6 and of UDP.
    private static readonly int[] s_usual = [1232, 1252, 1272, 1292, 1332, 1352, 1372, 1392, 1412, 1432, 1444, 1452, 1464, 1472];

    private State _state;
    private int _low, _high; // While searching: the largest size that passed, and the smallest that did not.
    private int _losses, _smallestLost;
    private ulong _probeId = ulong.MaxValue;
    private int _probeSize, _probeWritten, _probesLost;
    private ulong _probeDeadline = Ngtcp2Structures.NoExpiry;
    private bool _answered;
    private ulong _raiseAt = Ngtcp2Structures.NoExpiry;

    private enum State
    {
        Trusted,
        Suspected,
        Searching,
    }

    /// <summary>The largest packet that may be sent; <see cref="int.MaxValue"/> when only ngtcp2's discovery limits it.</summary>
    public int Limit { get; private set; } = int.MaxValue;

    /// <summary>False during the search for the new size.</summary>
    public bool IsSettled => _state != State.Searching;

    /// <summary>The size of the probe to send now; 0 for none.</summary>
    public int WantedProbe => _probeId == ulong.MaxValue ? _probeSize : 0;

    /// <summary>When <see cref="Check"/> must be called.</summary>
    public ulong Deadline => Math.Min(_probeDeadline, _raiseAt);

    /// <summary>Starts again for another path, which ngtcp2 discovers from the beginning.</summary>
    public void Reset()
    {
        (_state, Limit, _losses) = (State.Trusted, int.MaxValue, 0);
        _raiseAt = Ngtcp2Structures.NoExpiry;
        ClearProbe();
    }

    /// <summary>A probe was sent.</summary>
    /// <param name="id">The datagram's id.</param>
    /// <param name="written">The packet's size, which may be a few bytes less than wanted.</param>
    /// <param name="deadline">When the probe counts as lost without an acknowledgement.</param>
    public void OnProbeSent(ulong id, int written, ulong deadline) => (_probeId, _probeWritten, _probeDeadline, _answered) = (id, written, deadline, false);

    /// <summary>The peer has acknowledged a packet, or sent new data.</summary>
    public void OnAnswer() => _answered = true;

    /// <summary>A datagram in a packet of about this size was acknowledged. True when <see cref="Limit"/> or <see cref="IsSettled"/> has changed.</summary>
    public bool OnAcknowledged(ulong id, int size, int pathMaximum, ulong now)
    {
        if (size >= _smallestLost)
        {
            _losses = 0;
        }

        if (id == _probeId)
        {
            return ProbeArrived(pathMaximum, now);
        }

        if (_state == State.Suspected && size >= _smallestLost)
        {
            _state = State.Trusted;
            ClearProbe();
        }

        return false;
    }

    /// <summary>A datagram in a packet of about this size is lost. True when <see cref="Limit"/> or <see cref="IsSettled"/> has changed.</summary>
    public bool OnLost(ulong id, int size, int pathMaximum, ulong now)
    {
        if (id == _probeId)
        {
            return ProbeLost(pathMaximum, now);
        }

        if (_state != State.Trusted || size <= Base)
        {
            return false;
        }

        _smallestLost = _losses == 0 ? size : Math.Min(_smallestLost, size);
        if (++_losses >= LossesBeforeSuspicion)
        {
            _state = State.Suspected;
            _losses = 0;
            Probe(Math.Min(Limit, pathMaximum));
        }

        return false;
    }

    /// <summary>Handles the probe's deadline and the raise timer. True when <see cref="Limit"/> or <see cref="IsSettled"/> has changed.</summary>
    public bool Check(int pathMaximum, ulong now)
    {
        if (now >= _raiseAt && _state == State.Trusted)
        {
            _raiseAt = Ngtcp2Structures.NoExpiry;
            (_state, _low, _high) = (State.Searching, Limit, pathMaximum + 1);
            Continue(pathMaximum, now);
            return true;
        }

        if (now < _probeDeadline)
        {
            return false;
        }

        if (_answered)
        {
            return ProbeLost(pathMaximum, now);
        }

        // The peer answers nothing at all. That says nothing about sizes, so the probe does not count.
        _probeId = ulong.MaxValue;
        _probeDeadline = Ngtcp2Structures.NoExpiry;
        return false;
    }

    private bool ProbeArrived(int pathMaximum, ulong now)
    {
        int size = _probeSize, written = _probeWritten;
        ClearProbe();
        if (_state == State.Suspected)
        {
            _state = State.Trusted;
            return false;
        }

        if (size >= pathMaximum)
        {
            Reset();
            return true;
        }

        _low = Math.Max(_low, Math.Min(size, written + Granularity / 2));
        return Continue(pathMaximum, now);
    }

    private bool ProbeLost(int pathMaximum, ulong now)
    {
        int size = _probeSize;
        _probeId = ulong.MaxValue;
        _probeDeadline = Ngtcp2Structures.NoExpiry;
        if (++_probesLost < ProbesPerSize)
        {
            return false; // Try the same size again.
        }

        ClearProbe();
        if (_state == State.Suspected)
        {
            (_state, _low, _high) = (State.Searching, Base, size);
            Limit = Base;
            Continue(pathMaximum, now);
            return true;
        }

        _high = Math.Min(_high, size);
        return Continue(pathMaximum, now);
    }

    /// <summary>Probes the next size, or ends the search. True when the search ended.</summary>
    private bool Continue(int pathMaximum, ulong now)
    {
        int next = Candidate(pathMaximum);
        if (next > 0)
        {
            Probe(next);
            return false;
        }

        (_state, Limit, _raiseAt) = (State.Trusted, _low, now + RaiseInterval);
        return true;
    }

    private int Candidate(int pathMaximum)
    {
        int most = Math.Min(_high - 1, pathMaximum);
        int next = Array.Find(s_usual, size => size > _low && size <= most);
        if (next > 0)
        {
            return next;
        }

        // Sizes between two usual sizes are not tried, except for the largest size of the path. Above the largest usual size, try the middle.
        if (most == pathMaximum && most > _low && most <= s_usual[^1])
        {
            return most;
        }

        return _high > s_usual[^1] && _high - _low > 4 * Granularity ? (_low + _high) / 2 : 0;
    }

    private void Probe(int size) => (_probeSize, _probeId, _probesLost) = (size, ulong.MaxValue, 0);

    private void ClearProbe()
    {
        (_probeSize, _probesLost, _probeId) = (0, 0, ulong.MaxValue);
        _probeDeadline = Ngtcp2Structures.NoExpiry;
    }
}
