using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Diagnostics;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

#pragma warning disable CA1001 // A SemaphoreSlim needs no disposal as long as its wait handle is not used.
/// <summary>Reads the members of names from Redis.</summary>
internal sealed class NameReader(ClusterPlan plan, RedisConnection connection, RedisKeys keys, NodeTable nodes, NodeReader nodeReader, DirectoryMetrics metrics, ILogger logger)
#pragma warning restore CA1001
{
    /// <summary>The most reads at a time. After a reconnect all names are read again.</summary>
    private const int MaxReads = 128;

    private readonly SemaphoreSlim _reads = new(MaxReads);

    /// <summary>Called with each name whose members have changed.</summary>
    public Action<string>? Changed { get; init; }

    /// <summary>How many members of a name are this node's own.</summary>
    public Func<string, int>? CountOwn { get; init; }

    /// <summary>Reads the members of a name. It does not throw.</summary>
    /// <returns>Whether Redis answered.</returns>
    public async Task<bool> ReadAsync(NameEntry entry)
    {
        await _reads.WaitAsync();
        long begin = plan.Time.GetTimestamp();
        TimeSpan longest = plan.Options.LookupTimeout > plan.Options.Lease ? plan.Options.LookupTimeout : plan.Options.Lease;
        try
        {
            // Reads no more members than this node can use, because others may have added any number.
            int most = plan.Options.MaxAgentsPerName;
            RedisValue[] values = await connection.Database.SetRandomMembersAsync(keys.Agents(entry.Name), most + 1 + (CountOwn?.Invoke(entry.Name) ?? 0)).WaitAsync(longest, plan.Time);
            metrics.Sent(1);
            metrics.LookedUp(plan.Time.GetElapsedTime(begin), null);
            List<DirectoryMember> members = Parse(entry.Name, values);
            if (members.Exists(m => nodes.Find(m.Agent.Node) is not { } node || node.Epoch < m.Epoch))
            {
                // The member is of a node, or an epoch, that this node does not know yet.
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

    /// <summary>Removes a member that will never be valid again. It can't remove another member, because each text is unique.</summary>
    public void RemoveDead(string name, in DirectoryMember member)
    {
        if (connection.IsConnected)
        {
            metrics.Sent(1);
            connection.Database.SetRemove(keys.Agents(name), DirectoryMember.Format(member.Agent, member.Epoch), CommandFlags.FireAndForget);
        }
    }

    /// <summary>Removes members of dead nodes. It reads each node's key first, because this node's table of nodes may be out of date.</summary>
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
            // The next read finds these members again.
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
                // Only members of other nodes: this node knows its own agents.
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
            HashSet<DirectoryMember> found = [.. members];
            members.AddRange(entry.Members.Where(m => !found.Contains(m)));
        }
        else
        {
            // These members are dead: a node takes its epoch before it announces members with it.
            DirectoryMember[] dead = [.. members.Where(m => nodes.Find(m.Agent.Node) is not { } node || node.Epoch > m.Epoch)];
            if (dead.Length > 0)
            {
                _ = RemoveDeadAsync(entry.Name, dead);
            }
        }

        // Members that are invalid now stay, because this node's table of nodes may be out of date. Each use checks them again.
        int most = plan.Options.MaxAgentsPerName;
        if (members.Count > most)
        {
            logger.TooManyEntries(keys.Agents(entry.Name).ToString(), nameof(MtaTlsClusterOptions.MaxAgentsPerName), most);
            members.Sort((a, b) => nodes.IsValid(b).CompareTo(nodes.IsValid(a)));
            members.RemoveRange(most, members.Count - most);
        }

        // Sorted, so that the comparison below does not depend on the order in Redis.
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
