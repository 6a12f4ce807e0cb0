using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Configuration;

namespace MtaTls.AspNetCore.Identities;

/// <summary>The identities that have sessions now, and those that have used up more than a moment makes good.</summary>
internal sealed class ClientIdentities(CurrentSettings settings, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Rule, string Key), ClientIdentity> _identities = [];
    private readonly Queue<ClientIdentity> _lingering = [];

    /// <summary>How many there are.</summary>
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

    /// <summary>Counts a session; <see cref="Leave"/> is to follow where there is an identity.</summary>
    /// <param name="certificate">The client's certificate.</param>
    /// <param name="hasRoom">False: the identity has as many sessions as it may have. This one does not count.</param>
    /// <returns>Null where no rule is for the client.</returns>
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
            Forget();
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
            Forget();
            if (identity.Holders > 0 || identity.IsLingering)
            {
                return;
            }

            if (identity.IsForgotten)
            {
                _identities.Remove(identity.Id);
            }
            else
            {
                // A new session must not begin with a clean sheet.
                identity.IsLingering = true;
                _lingering.Enqueue(identity);
            }
        }
    }

    // Under the lock. One that is not forgotten yet holds up those behind it, until the next session comes or goes.
    private void Forget()
    {
        while (_lingering.TryPeek(out ClientIdentity? first) && (first.Holders > 0 || first.IsForgotten))
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
