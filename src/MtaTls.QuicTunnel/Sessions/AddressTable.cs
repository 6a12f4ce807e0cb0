using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// Maps addresses to the sessions that own them, for the ingress filter and for routing. Several sessions of one identity may claim an
/// address; its owner is the newest of them that has a path. When that session loses its last path, the next newest one owns the address. Lookups take no lock; changes do.
/// </summary>
internal sealed class AddressTable(AddressPlan plan, TimeProvider timeProvider)
{
    /// <summary>The most pool addresses that are checked to find a free one.</summary>
    private const int MaxTries = 65_536;

    private readonly ConcurrentDictionary<UInt128, ConcentratorSession> _owners = new();
    private readonly Dictionary<UInt128, List<ConcentratorSession>> _claims = []; // guarded by _lock; the oldest session first
    private readonly Dictionary<UInt128, Rest> _resting = []; // guarded by _lock
    private readonly Lock _lock = new();
    private volatile AddressPlan _plan = plan;
    private long _nextSweep;

    /// <summary>Whether clients may send packets to each other.</summary>
    public bool AllowsClientToClient => _plan.AllowsClientToClient;

    public bool TryFind(UInt128 address, [NotNullWhen(true)] out ConcentratorSession? session) => _owners.TryGetValue(address, out session);

    public bool IsOwnAddress(UInt128 address) => _plan.OwnAddresses.Contains(address);

    /// <summary>Claims the listed addresses of the session's identity for a new session.</summary>
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
    /// Claims a pool address that a session without listed addresses sends from. True if the session then owns it: the address was free, or belonged to an older session of the same identity.
    /// </summary>
    public bool TryClaim(ConcentratorSession session, UInt128 address)
    {
        if (!MayClaim(_plan, session, address))
        {
            return false; // Without the lock, because every packet from a wrong address comes here.
        }

        lock (_lock)
        {
            if (session.HasEnded || session.Claims.Count >= _plan.MaxPerSession || !MayClaim(_plan, session, address))
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

    /// <summary>Answers an address request: the status of each used address and, if the client requests addresses, those of its session (listed ones, or one of each family from the pool).</summary>
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

    /// <summary>Updates the owners of the claimed addresses after a session has got its first path or lost its last one.</summary>
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

    /// <summary>Releases the addresses of an ended session. They go to the next claiming session, or become free; pool addresses become free after the rest period.</summary>
    public void Release(ConcentratorSession session)
    {
        lock (_lock)
        {
            DateTimeOffset now = timeProvider.GetUtcNow();
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
                        _resting[address] = new Rest(now, session.Identity);
                    }
                }
            }

            session.Claims.Clear();
            session.OwnedAddresses = [];
            Sweep();
        }
    }

    /// <summary>Uses changed settings. Sessions keep their pool addresses as far as the new pool allows.</summary>
    /// <param name="changed">The new plan.</param>
    /// <param name="listSessions">Returns all sessions. Called after the change, so that a session that begins meanwhile is among them or claims by the new plan.</param>
    public void UsePlan(AddressPlan changed, Func<IEnumerable<ConcentratorSession>> listSessions)
    {
        lock (_lock)
        {
            _plan = changed;
            ConcentratorSession[] sessions = [.. listSessions()];
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

    private static bool MayClaim(AddressPlan plan, ConcentratorSession session, UInt128 address) => plan.IsInPool(address) && plan.ListedFor(session.Identity).IsEmpty;

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
        if (_resting.TryGetValue(address, out Rest rest) && rest.Since + _plan.RestPeriod > timeProvider.GetUtcNow() && (identity is null || rest.Identity != identity))
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
            if (rest.Since + _plan.RestPeriod <= wall)
            {
                _resting.Remove(address);
            }
        }
    }

    private readonly record struct Rest(DateTimeOffset Since, string? Identity);
}
