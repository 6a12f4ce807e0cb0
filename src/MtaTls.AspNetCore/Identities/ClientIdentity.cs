using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Identities;

/// <summary>What the sessions of one identity share. It lives as long as one of them, or as long as what they have used up is not forgotten.</summary>
internal sealed class ClientIdentity((string Rule, string Key) id, IdentityRule rule, TimeProvider time)
{
    private readonly Lock _lock = new();
    private EventRate? _opens;   // guarded by _lock
    private int _opensPerSecond;   // guarded by _lock
    private long? _lastOpen;   // guarded by _lock
    private volatile IdentityRule _rule = rule;

    public (string Rule, string Key) Id => id;

    /// <summary>The rule of the session that has started last.</summary>
    public IdentityRule Rule
    {
        get => _rule;
        set => _rule = value;
    }

    /// <summary>Sessions that are served; the table's.</summary>
    public int Sessions { get; set; }

    /// <summary>Sessions, those above the limit included; the table's.</summary>
    public int Holders { get; set; }

    /// <summary>Whether the table looks at it again; the table's.</summary>
    public bool IsLingering { get; set; }

    public CountLimit Channels { get; } = new();

    public Pace Received { get; } = new(time);

    public Pace Sent { get; } = new(time);

    public TimeProvider Time => time;

    /// <summary>Whether channels need a pipe that waits.</summary>
    public bool HasBandwidth => Rule.Options is { ReceiveBytesPerSecond: > 0 } or { SendBytesPerSecond: > 0 };

    /// <summary>Whether one that comes back now would find nothing that is still used up.</summary>
    public bool IsForgotten => Channels.Count == 0 && !Received.IsAhead && !Sent.IsAhead && HasQuietSecond();

    /// <summary>Counts an open. False where there were as many in this second as there may be.</summary>
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

    /// <summary>Counts a channel; <see cref="CountLimit.Leave"/> is to follow.</summary>
    public bool TryEnterChannel() => Channels.TryEnter(Rule.Options.MaxChannels is > 0 and int most ? most : int.MaxValue);

    private bool HasQuietSecond()
    {
        lock (_lock)
        {
            return _lastOpen is not { } last || time.GetElapsedTime(last) >= TimeSpan.FromSeconds(1);
        }
    }
}
