using System.Collections;
using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>The log scope that names the channel. Its text is created only when a logger writes it.</summary>
internal sealed class ChannelScope(MtaTlsChannelContext context) : IReadOnlyList<KeyValuePair<string, object?>>
{
    public int Count => 1;

    public KeyValuePair<string, object?> this[int index]
        => index == 0 ? new KeyValuePair<string, object?>("ConnectionId", context.ConnectionId) : throw new ArgumentOutOfRangeException(nameof(index));

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        yield return this[0];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"ConnectionId:{context.ConnectionId}";
}
