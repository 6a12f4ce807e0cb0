namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// Notices that a path has become narrower while it is in use, and finds its new size (RFC 8899, sections 4.3 and 5). The library discovers the size of a new path and never looks again.
/// </summary>
/// <remarks>
/// <code>
/// state     | 3 large packets in a row lost | probe arrived                | 3 probes lost                | raise time
/// Trusted   | Suspected: probe the size     | -                            | -                            | Searching upward
/// Suspected | -                             | Trusted                      | Searching, limit = base      | -
/// Searching | -                             | next larger size, or Trusted | next smaller size or Trusted | -
/// </code>
/// Sizes are those of UDP payloads. Used on the loop's thread.
/// </remarks>
internal sealed class PathMtuGuard
{
    /// <summary>What every path of QUIC carries (RFC 9000, section 14.1).</summary>
    public const int Base = 1200;

    private const int LossesBeforeSuspicion = 3;
    private const int ProbesPerSize = 3;
    private const int Granularity = 16;
    private const ulong RaiseInterval = 600_000_000_000; // RFC 8899, section 5.1.1: PMTU_RAISE_TIMER

    // Usual path MTUs (1280, 1300, 1320, 1380, 1400, 1420, 1440, 1460, 1480, 1492 and 1500) less IPv4 or IPv6 and UDP.
    private static readonly int[] s_usual = [1232, 1252, 1272, 1292, 1332, 1352, 1372, 1392, 1412, 1432, 1444, 1452, 1464, 1472];

    private State _state;
    private int _low, _high; // Searching: the largest size that passed, the smallest that did not.
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

    /// <summary>The largest packet that may be sent; <see cref="int.MaxValue"/> where only the library's discovery limits it.</summary>
    public int Limit { get; private set; } = int.MaxValue;

    /// <summary>False while the size of a path that became narrower is looked for.</summary>
    public bool IsSettled => _state != State.Searching;

    /// <summary>The size of the probe that is to be sent now; 0 when none is.</summary>
    public int WantedProbe => _probeId == ulong.MaxValue ? _probeSize : 0;

    /// <summary>When <see cref="Check"/> is due.</summary>
    public ulong Deadline => Math.Min(_probeDeadline, _raiseAt);

    /// <summary>Another path: the library starts from the beginning.</summary>
    public void Reset()
    {
        (_state, Limit, _losses) = (State.Trusted, int.MaxValue, 0);
        _raiseAt = Ngtcp2Structures.NoExpiry;
        ClearProbe();
    }

    /// <summary>A probe went out.</summary>
    /// <param name="id">The datagram's id.</param>
    /// <param name="written">The packet's size, which may be a few bytes less than wanted.</param>
    /// <param name="deadline">When it counts as lost, if nothing is heard of it.</param>
    public void OnProbeSent(ulong id, int written, ulong deadline) => (_probeId, _probeWritten, _probeDeadline, _answered) = (id, written, deadline, false);

    /// <summary>The peer has acknowledged something.</summary>
    public void OnAnswer() => _answered = true;

    /// <summary>A datagram in a packet of about this size has arrived. True when <see cref="Limit"/> or <see cref="IsSettled"/> has changed.</summary>
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
            return ProbeLost(now);
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

    /// <summary>Time has passed. True when <see cref="Limit"/> or <see cref="IsSettled"/> has changed.</summary>
    public bool Check(int pathMaximum, ulong now)
    {
        if (now >= _raiseAt && _state == State.Trusted)
        {
            _raiseAt = Ngtcp2Structures.NoExpiry;
            (_state, _low, _high) = (State.Searching, Limit, pathMaximum + 1);
            Probe(pathMaximum);
            return true;
        }

        if (now < _probeDeadline)
        {
            return false;
        }

        if (_answered)
        {
            return ProbeLost(now);
        }

        // Nothing at all is heard: the path is silent, which says nothing of sizes.
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
        return Continue(now);
    }

    private bool ProbeLost(ulong now)
    {
        int size = _probeSize;
        _probeId = ulong.MaxValue;
        _probeDeadline = Ngtcp2Structures.NoExpiry;
        if (++_probesLost < ProbesPerSize)
        {
            return false; // The same once more.
        }

        ClearProbe();
        if (_state == State.Suspected)
        {
            (_state, _low, _high) = (State.Searching, Base, size);
            Limit = Base;
            Continue(now);
            return true;
        }

        _high = Math.Min(_high, size);
        return Continue(now);
    }

    /// <summary>The next size of the search, or its end.</summary>
    private bool Continue(ulong now)
    {
        int next = Candidate();
        if (next > 0)
        {
            Probe(next);
            return false;
        }

        (_state, Limit, _raiseAt) = (State.Trusted, _low, now + RaiseInterval);
        return true;
    }

    private int Candidate()
    {
        int first = Array.FindIndex(s_usual, size => size > _low), last = Array.FindLastIndex(s_usual, size => size < _high);
        if (first >= 0 && first <= last)
        {
            return s_usual[(first + last + 1) / 2];
        }

        // Between two usual sizes nothing is looked for; above the largest the middle is tried.
        return _high > s_usual[^1] && _high - _low > 4 * Granularity ? (_low + _high) / 2 : 0;
    }

    private void Probe(int size) => (_probeSize, _probeId, _probesLost) = (size, ulong.MaxValue, 0);

    private void ClearProbe()
    {
        (_probeSize, _probesLost, _probeId) = (0, 0, ulong.MaxValue);
        _probeDeadline = Ngtcp2Structures.NoExpiry;
    }
}
