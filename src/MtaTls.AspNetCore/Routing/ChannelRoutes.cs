using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Routing;

/// <summary>The routes that are in force now, and what goes with them.</summary>
internal sealed class ChannelRoutes(IConfiguration configuration, IOptionsFactory<MtaTlsOptions> options, ILoggerFactory loggers) : IDisposable
{
    private readonly ReloadableOptions<MtaTlsOptions, State> _options = new(configuration, options, State.Read, loggers.CreateLogger(LogCategories.Routing));

    public State Current => _options.Current;

    public void Dispose() => _options.Dispose();

    internal sealed record State(ChannelRouteTable Table, MtaTlsTcpOptions Tcp, bool AllowHostMismatch)
    {
        // The options have been validated: there is nothing to report.
        public static State Read(MtaTlsOptions options) => new(ChannelRouteTable.Create(options.Channels, []), options.Tcp, options.AllowHostMismatch);
    }
}
