using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// Which session owns which address: what the ingress filter asks of each packet from a client, and the way of each packet to one. Finding takes no
/// lock; assigning does.
/// </summary>
internal sealed class AddressTable(AddressPlan plan, int maxPerSession, TimeSpan restPeriod, TimeProvider timeProvider)
{
    private readonly ConcurrentDictionary<UInt128, ConcentratorSession> _owners = new();
    private readonly Dictionary<UInt128, Rest> _resting = [];
    private readonly Lock _lock = new();
    private long _nextSweep;

    public bool TryFind(UInt128 address, [NotNullWhen(true)] out ConcentratorSession? session) => _owners.TryGetValue(address, out session);

    public bool IsOwnAddress(UInt128 address) => plan.OwnAddresses.Contains(address);

    /// <summary>A new session gets its identity's listed addresses, also from an older session of the same identity.</summary>
    public void AssignListed(ConcentratorSession session)
    {
        lock (_lock)
        {
            if (session.HasEnded)
            {
                return;
            }

            foreach (UInt128 address in plan.ListedFor(session.Identity))
            {
                Give(address, session);
            }
        }
    }

    /// <summary>
    /// A session without listed addresses sends from one that it does not own: it gets it if the pool has it free. The same identity may take it from its own older session.
    /// </summary>
    public bool TryClaim(ConcentratorSession session, UInt128 address)
    {
        if (!plan.IsInPool(address) || !plan.ListedFor(session.Identity).IsEmpty)
        {
            return false;
        }

        lock (_lock)
        {
            if (session.HasEnded || session.OwnedAddresses.Length >= maxPerSession)
            {
                return false;
            }

            if (_owners.TryGetValue(address, out ConcentratorSession? owner))
            {
                if (owner == session)
                {
                    return true;
                }

                if (session.Identity is null || owner.Identity != session.Identity)
                {
                    return false;
                }
            }
            else if (!MayWake(address, session.Identity))
            {
                return false;
            }

            Give(address, session);
            return true;
        }
    }

    /// <summary>A session has ended: its addresses are free, those of the pool after a rest.</summary>
    public void Release(ConcentratorSession session)
    {
        lock (_lock)
        {
            DateTimeOffset until = timeProvider.GetUtcNow() + restPeriod;
            foreach (UInt128 address in session.OwnedAddresses)
            {
                _owners.TryRemove(address, out _);
                if (plan.IsInPool(address))
                {
                    _resting[address] = new Rest(until, session.Identity);
                }
            }

            session.OwnedAddresses = [];
            Sweep();
        }
    }

    private bool MayWake(UInt128 address, string? identity)
    {
        if (_resting.TryGetValue(address, out Rest rest) && rest.Until > timeProvider.GetUtcNow() && (identity is null || rest.Identity != identity))
        {
            return false;
        }

        _resting.Remove(address);
        return true;
    }

    private void Give(UInt128 address, ConcentratorSession session)
    {
        if (_owners.TryGetValue(address, out ConcentratorSession? former))
        {
            former.OwnedAddresses = Array.FindAll(former.OwnedAddresses, owned => owned != address);
        }

        _owners[address] = session;
        session.OwnedAddresses = [.. session.OwnedAddresses, address];
    }

    private void Sweep()
    {
        long now = timeProvider.GetTimestamp();
        if (now < _nextSweep)
        {
            return;
        }

        _nextSweep = now + (timeProvider.TimestampFrequency * 10);
        DateTimeOffset wall = timeProvider.GetUtcNow();
        foreach ((UInt128 address, Rest rest) in _resting)
        {
            if (rest.Until <= wall)
            {
                _resting.Remove(address);
            }
        }
    }

    private readonly record struct Rest(DateTimeOffset Until, string? Identity);
}
