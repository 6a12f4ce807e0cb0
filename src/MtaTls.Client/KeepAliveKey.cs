using MtaTls.Protocol;

namespace MtaTls.Client;

/// <summary>A copy of <see cref="MtaTlsKeepAliveOptions"/>, compared by value.</summary>
internal readonly record struct KeepAliveKey(bool Tcp, bool Ping, TimeSpan Interval, TimeSpan Timeout)
{
    public static KeepAliveKey From(MtaTlsKeepAliveOptions options) => new(options.Tcp, options.Ping, options.Interval, options.Timeout);
}
