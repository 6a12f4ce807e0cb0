using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// Which session owns which address: what the ingress filter asks of each packet from a client, and the way of each packet to one. Several sessions of one identity may claim an
/// address; it belongs to the newest of them that has a path, and goes back when that has none any more. Finding takes no lock; assigning does.
/// </summary>
internal sealed class AddressTable(AddressPlan plan, int maxPerSession, TimeSpan restPeriod, TimeProvider timeProvider)
{
    /// <summary>Addresses of the pool that are looked at for a free one.</summary>
    private const int MaxTries = 65_536;

    private readonly ConcurrentDictionary<UInt128, ConcentratorSession> _owners = new();
    private readonly Dictionary<UInt128, List<ConcentratorSession>> _claims = []; // guarded by _lock; the oldest session first
    private readonly Dictionary<UInt128, Rest> _resting = []; // guarded by _lock
    private readonly Lock _lock = new();
    private volatile AddressPlan _plan = plan;
    private long _nextSweep;

    public bool TryFind(UInt128 address, [NotNullWhen(true)] out ConcentratorSession? session) => _owners.TryGetValue(address, out session);

    public bool IsOwnAddress(UInt128 address) => _plan.OwnAddresses.Contains(address);

    /// <summary>A new session claims its identity's listed addresses.</summary>
    public void AssignListed(ConcentratorSession session)
    {
        lock (_lock)
        {
            if (session.HasEnded)
            {
                return;
            }

            foreach (UInt128 address in _plan.ListedFor(session.Identity))
            {
                Claim(address, session);
            }
        }
    }

    /// <summary>
    /// A session without listed addresses sends from one that it does not own: it gets it if the pool has it free. The same identity may take it from its own older session.
    /// </summary>
    public bool TryClaim(ConcentratorSession session, UInt128 address)
    {
        AddressPlan current = _plan;
        if (!current.IsInPool(address) || !current.ListedFor(session.Identity).IsEmpty)
        {
            return false;
        }

        lock (_lock)
        {
            if (session.HasEnded || session.Claims.Count >= maxPerSession)
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

            Claim(address, session);
            return _owners.TryGetValue(address, out owner) && owner == session;
        }
    }

    /// <summary>What each address that a client uses is, and, where it wants some, those that are its session's: the listed ones, or one of each family from the pool.</summary>
    public AddressEntry[] Agree(ConcentratorSession session, ReadOnlySpan<AddressEntry> used, bool wants)
    {
        AddressPlan current = _plan;
        var answer = new List<AddressEntry>(used.Length);
        foreach (AddressEntry entry in used)
        {
            AddressStatus status = session.Owns(entry.Address) || TryClaim(session, entry.Address) ? AddressStatus.Own
                : TryFind(entry.Address, out _) || IsOwnAddress(entry.Address) ? AddressStatus.Taken : AddressStatus.Refused;
            answer.Add(new AddressEntry(status, current.PrefixLengthOf(entry.Address), entry.Address));
        }

        if (wants)
        {
            if (current.ListedFor(session.Identity).IsEmpty)
            {
                TakeFromPool(session, current, isIPv4: true);
                TakeFromPool(session, current, isIPv4: false);
            }

            foreach (UInt128 address in session.OwnedAddresses)
            {
                if (answer.Count < AddressMessage.MaxEntries && !answer.Exists(entry => entry.Address == address))
                {
                    answer.Add(new AddressEntry(AddressStatus.Own, current.PrefixLengthOf(address), address));
                }
            }
        }

        return [.. answer];
    }

    private void TakeFromPool(ConcentratorSession session, AddressPlan current, bool isIPv4)
    {
        if (Array.Exists(session.OwnedAddresses, address => IpHeader.IsMappedIPv4(address) == isIPv4))
        {
            return;
        }

        foreach (UInt128 address in current.EnumeratePool(isIPv4).Take(MaxTries))
        {
            if (!_owners.ContainsKey(address) && TryClaim(session, address))
            {
                return;
            }
        }
    }

    /// <summary>A session has its first path, or has lost its last: what it claims may belong to another from now on.</summary>
    public void OnPathsChanged(ConcentratorSession session)
    {
        lock (_lock)
        {
            foreach (UInt128 address in session.Claims)
            {
                Settle(address, _claims[address]);
            }
        }
    }

    /// <summary>A session has ended: its addresses go to the next that claims them, or are free, those of the pool after a rest.</summary>
    public void Release(ConcentratorSession session)
    {
        lock (_lock)
        {
            DateTimeOffset until = timeProvider.GetUtcNow() + restPeriod;
            foreach (UInt128 address in session.Claims)
            {
                List<ConcentratorSession> claimants = _claims[address];
                claimants.Remove(session);
                Settle(address, claimants);
                if (claimants.Count == 0)
                {
                    _claims.Remove(address);
                    if (_plan.IsInPool(address))
                    {
                        _resting[address] = new Rest(until, session.Identity);
                    }
                }
            }

            session.Claims.Clear();
            session.OwnedAddresses = [];
            Sweep();
        }
    }

    /// <summary>Other addresses are listed from now on. Sessions keep those of the pool that they have.</summary>
    public void UsePlan(AddressPlan changed, IReadOnlyList<ConcentratorSession> sessions)
    {
        lock (_lock)
        {
            _plan = changed;
            foreach (ConcentratorSession session in sessions)
            {
                foreach (UInt128 address in session.Claims.Where(address => !MayKeep(session, address)).ToArray())
                {
                    session.Claims.Remove(address);
                    List<ConcentratorSession> claimants = _claims[address];
                    claimants.Remove(session);
                    Settle(address, claimants);
                    if (claimants.Count == 0)
                    {
                        _claims.Remove(address);
                    }
                }
            }

            foreach (ConcentratorSession session in sessions.Where(static session => !session.HasEnded))
            {
                foreach (UInt128 address in changed.ListedFor(session.Identity))
                {
                    Claim(address, session);
                }
            }
        }
    }

    private bool MayKeep(ConcentratorSession session, UInt128 address)
    {
        ReadOnlySpan<UInt128> listed = _plan.ListedFor(session.Identity);
        return listed.IsEmpty ? _plan.IsInPool(address) : listed.Contains(address);
    }

    private void Claim(UInt128 address, ConcentratorSession session)
    {
        if (!_claims.TryGetValue(address, out List<ConcentratorSession>? claimants))
        {
            _claims[address] = claimants = [];
        }

        if (!claimants.Contains(session))
        {
            claimants.Add(session);
            claimants.Sort(static (left, right) => left.Sequence.CompareTo(right.Sequence));
            session.Claims.Add(address);
        }

        Settle(address, claimants);
    }

    private void Settle(UInt128 address, List<ConcentratorSession> claimants)
    {
        ConcentratorSession? owner = claimants.FindLast(static session => session.HasPath) ?? claimants.LastOrDefault();
        _owners.TryGetValue(address, out ConcentratorSession? former);
        if (owner == former)
        {
            return;
        }

        if (former is not null)
        {
            former.OwnedAddresses = Array.FindAll(former.OwnedAddresses, owned => owned != address);
        }

        if (owner is null)
        {
            _owners.TryRemove(address, out _);
            return;
        }

        _owners[address] = owner;
        owner.OwnedAddresses = [.. owner.OwnedAddresses, address];
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
