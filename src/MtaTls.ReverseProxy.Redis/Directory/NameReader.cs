using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Diagnostics;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

#pragma warning disable CA1001 // A SemaphoreSlim whose wait handle nobody asks for holds nothing to dispose.
/// <summary>Reads the members of names.</summary>
internal sealed class NameReader(ClusterPlan plan, RedisConnection connection, RedisKeys keys, NodeTable nodes, NodeReader nodeReader, DirectoryMetrics metrics, ILogger logger)
#pragma warning restore CA1001
{
    /// <summary>Names that are read at a time, after a reconnect for example.</summary>
    private const int MaxReads = 128;

    private readonly SemaphoreSlim _reads = new(MaxReads);

    /// <summary>Is told of each name whose members have changed.</summary>
    public Action<string>? Changed { get; init; }

    /// <summary>Reads a name.</summary>
    /// <returns>Whether Redis answered. It does not throw.</returns>
    public async Task<bool> ReadAsync(NameEntry entry)
    {
        await _reads.WaitAsync();
        long begin = plan.Time.GetTimestamp();
        try
        {
            RedisValue[] values = await connection.Database.SetMembersAsync(keys.Agents(entry.Name)).WaitAsync(plan.Options.Lease, plan.Time);
            metrics.Sent(1);
            metrics.LookedUp(plan.Time.GetElapsedTime(begin), null);
            List<DirectoryMember> members = Parse(entry.Name, values);
            if (members.Exists(m => nodes.Find(m.Agent.Node) is not { } node || node.Epoch < m.Epoch))
            {
                // A node that has just come.
                await nodeReader.ReadAsync();
            }

            Take(entry, members);
            return true;
        }
        catch (Exception e) when (e is RedisException or TimeoutException or IOException or ObjectDisposedException)
        {
            metrics.LookedUp(default, "unreachable");
            logger.LookupFailed(entry.Name, e.Message);
            return false;
        }
        finally
        {
            _reads.Release();
        }
    }

    /// <summary>Removes a member that will never count again. Another's can't be hit: the text is this one's alone.</summary>
    public void RemoveDead(string name, in DirectoryMember member)
    {
        if (connection.IsConnected)
        {
            metrics.Sent(1);
            connection.Database.SetRemove(keys.Agents(name), DirectoryMember.Format(member.Agent, member.Epoch), CommandFlags.FireAndForget);
        }
    }

    /// <summary>Removes members of nodes that have died, each only after a look at its node's own key: what is known of nodes may be out of date.</summary>
    private async Task RemoveDeadAsync(string name, DirectoryMember[] dead)
    {
        try
        {
            foreach (IGrouping<string, DirectoryMember> ofNode in dead.GroupBy(static m => m.Agent.Node))
            {
                RedisValue text = await connection.Database.StringGetAsync(keys.Node(ofNode.Key)).WaitAsync(plan.Options.Lease, plan.Time);
                metrics.Sent(1);
                foreach (DirectoryMember member in ofNode.Where(m => text.IsNull || NodeText.Parse(ofNode.Key, text)?.Epoch > m.Epoch))
                {
                    RemoveDead(name, member);
                }
            }
        }
        catch (Exception e) when (e is RedisException or TimeoutException or IOException or ObjectDisposedException)
        {
            // The next reading finds them again.
        }
    }

    private List<DirectoryMember> Parse(string name, RedisValue[] values)
    {
        List<DirectoryMember> members = [];
        int ignored = 0;
        foreach (RedisValue value in values)
        {
            if (!DirectoryMember.TryParse(name, value, out DirectoryMember member))
            {
                ignored++;
            }
            else if (member.Agent.Node != plan.Node)
            {
                // This node's own agents are known here.
                members.Add(member);
            }
        }

        if (ignored > 0)
        {
            logger.EntriesIgnored(ignored, keys.Agents(name).ToString());
        }

        return members;
    }

    private void Take(NameEntry entry, List<DirectoryMember> members)
    {
        bool isHolding = nodeReader.IsHolding;
        if (isHolding)
        {
            members.AddRange(entry.Members.Where(m => !members.Contains(m)));
        }
        else
        {
            // A node that lost its lease takes another epoch before it announces anything.
            DirectoryMember[] dead = [.. members.Where(m => nodes.Find(m.Agent.Node) is not { } node || node.Epoch > m.Epoch)];
            if (dead.Length > 0)
            {
                _ = RemoveDeadAsync(entry.Name, dead);
            }

            members.RemoveAll(m => !nodes.IsValid(m));
        }

        int most = plan.Options.MaxAgentsPerName;
        if (members.Count > most)
        {
            logger.TooManyEntries(members.Count, keys.Agents(entry.Name).ToString(), nameof(MtaTlsClusterOptions.MaxAgentsPerName), most);
            members.RemoveRange(most, members.Count - most);
        }

        // In one order at every node, so that lists are comparable.
        members.Sort(static (a, b) => string.CompareOrdinal(a.Agent.Id, b.Agent.Id));
        bool isNews = !entry.IsLoaded || !members.SequenceEqual(entry.Members);
        entry.IsStale = false;
        if (isNews)
        {
            entry.Set([.. members]);
            Changed?.Invoke(entry.Name);
        }
    }
}
