using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Identities;

/// <summary>The counts and rates that the sessions of one identity share. It is kept while it has sessions, and until its rates are back to zero.</summary>
internal sealed class ClientIdentity((string Rule, string Key) id, IdentityRule rule, TimeProvider time)
{
    private readonly Lock _lock = new();
    private EventRate? _opens;   // guarded by _lock
    private int _opensPerSecond;   // guarded by _lock
    private long? _lastOpen;   // guarded by _lock
    private volatile IdentityRule _rule = rule;

    public (string Rule, string Key) Id => id;

    /// <summary>The rule, as it was when the latest session started.</summary>
    public IdentityRule Rule
    {
        get => _rule;
        set => _rule = value;
    }

    /// <summary>The sessions that count against MaxSessions. Guarded by the lock of <see cref="ClientIdentities"/>.</summary>
    public int Sessions { get; set; }

    /// <summary>All sessions, including those above the limit. Guarded by the lock of <see cref="ClientIdentities"/>.</summary>
    public int Holders { get; set; }

    /// <summary>Whether it has no sessions but is kept because of its rates. Guarded by the lock of <see cref="ClientIdentities"/>.</summary>
    public bool IsLingering { get; set; }

    public CountLimit Channels { get; } = new();

    public Pace Received { get; } = new(time);

    public Pace Sent { get; } = new(time);

    public TimeProvider Time => time;

    /// <summary>Whether the rule limits the bandwidth, so that channels need a <see cref="PacedPipe"/>.</summary>
    public bool HasBandwidth => Rule.Options is { ReceiveBytesPerSecond: > 0 } or { SendBytesPerSecond: > 0 };

    /// <summary>Whether all counts and rates are back to zero, so that a new identity would be in the same state.</summary>
    public bool IsReset => Channels.Count == 0 && !Received.IsAhead && !Sent.IsAhead && HasQuietSecond();

    /// <summary>Counts an open. Returns false if the rate is used up.</summary>
    public bool TryOpen()
    {
        int limit = Rule.Options.MaxOpensPerSecond;
        if (limit == 0)
        {
            return true;
        }

        lock (_lock)
        {
            if (_opens is null || _opensPerSecond != limit)
            {
                (_opens, _opensPerSecond) = (new EventRate(limit, time), limit);
            }

            _lastOpen = time.GetTimestamp();
            return _opens.TryTake();
        }
    }

    public bool HasRoomForChannel => Rule.Options.MaxChannels is 0 || Channels.Count < Rule.Options.MaxChannels;

    /// <summary>Counts a channel; call <see cref="CountLimit.Leave"/> of <see cref="Channels"/> later. Returns false if the limit is reached.</summary>
    public bool TryEnterChannel() => Channels.TryEnter(Rule.Options.MaxChannels is > 0 and int most ? most : int.MaxValue);

    private bool HasQuietSecond()
    {
        lock (_lock)
        {
            return _lastOpen is not { } last || time.GetElapsedTime(last) >= TimeSpan.FromSeconds(1);
        }
    }
}
