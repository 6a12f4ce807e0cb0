using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Configuration;

namespace MtaTls.AspNetCore.Identities;

/// <summary>The identities that have sessions now, and those whose rates are not yet back to zero.</summary>
internal sealed class ClientIdentities(CurrentSettings settings, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Rule, string Key), ClientIdentity> _identities = [];
    private readonly Queue<ClientIdentity> _lingering = [];

    /// <summary>The number of identities.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _identities.Count;
            }
        }
    }

    /// <summary>Counts a session; call <see cref="Leave"/> later if an identity is returned.</summary>
    /// <param name="certificate">The client's certificate.</param>
    /// <param name="hasRoom">False if the identity already has as many sessions as it may have. Then this session does not count against the limit.</param>
    /// <returns>The client's identity; null if no rule matches the client.</returns>
    public ClientIdentity? Enter(X509Certificate2? certificate, out bool hasRoom)
    {
        hasRoom = true;
        IdentityRule[] rules = settings.Current.Identities;
        if (rules.Length == 0 || certificate is null || Array.Find(rules, rule => rule.Matches(certificate)) is not { } rule)
        {
            return null;
        }

        (string, string) id = (rule.Name, rule.KeyOf(certificate));
        lock (_lock)
        {
            RemoveReset();
            if (!_identities.TryGetValue(id, out ClientIdentity? identity))
            {
                _identities.Add(id, identity = new ClientIdentity(id, rule, time));
            }

            identity.Rule = rule;
            hasRoom = rule.Options.MaxSessions == 0 || identity.Sessions < rule.Options.MaxSessions;
            identity.Sessions += hasRoom ? 1 : 0;
            identity.Holders++;
            return identity;
        }
    }

    public void Leave(ClientIdentity identity, bool hadRoom)
    {
        lock (_lock)
        {
            identity.Sessions -= hadRoom ? 1 : 0;
            identity.Holders--;
            RemoveReset();
            if (identity.Holders > 0 || identity.IsLingering)
            {
                return;
            }

            if (identity.IsReset)
            {
                _identities.Remove(identity.Id);
            }
            else
            {
                // Otherwise a client could reset its rates by reconnecting.
                identity.IsLingering = true;
                _lingering.Enqueue(identity);
            }
        }
    }

    // Call it under _lock. It stops at the first identity that must be kept; those behind it are checked again when the next session starts or ends.
    private void RemoveReset()
    {
        while (_lingering.TryPeek(out ClientIdentity? first) && (first.Holders > 0 || first.IsReset))
        {
            _lingering.Dequeue();
            first.IsLingering = false;
            if (first.Holders == 0)
            {
                _identities.Remove(first.Id);
            }
        }
    }
}
