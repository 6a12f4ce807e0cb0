using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Routing;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>The part of <see cref="MtaTlsOptions"/> that follows the configuration while the server runs: routes, and which certificates endpoints name.</summary>
internal sealed class CurrentSettings(IConfiguration configuration, IOptionsFactory<MtaTlsOptions> options, ILoggerFactory loggers) : IDisposable
{
    private readonly ReloadableOptions<MtaTlsOptions, State> _options = new(configuration, options, State.Read, loggers.CreateLogger(LogCategories.Routing));

    public State Current => _options.Current;

    public void Dispose() => _options.Dispose();

    internal sealed record State(MtaTlsOptions Options, ChannelRouteTable Routes)
    {
        // The options have been validated: there is nothing to report.
        public static State Read(MtaTlsOptions options) => new(options, ChannelRouteTable.Create(options.Channels, []));
    }
}
