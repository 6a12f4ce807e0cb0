using MtaTls.Protocol;

namespace MtaTls.Client;

/// <summary>The values of <see cref="MtaTlsKeepAliveOptions"/> as they were when the options were first used; equal by value.</summary>
internal readonly record struct KeepAliveKey(bool Tcp, bool Ping, TimeSpan Interval, TimeSpan Timeout)
{
    public static KeepAliveKey From(MtaTlsKeepAliveOptions options) => new(options.Tcp, options.Ping, options.Interval, options.Timeout);
}
