using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Identities;
using MtaTls.AspNetCore.Routing;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>The part of <see cref="MtaTlsOptions"/> that follows the configuration while the server runs: routes, and which certificates endpoints name.</summary>
internal sealed class CurrentSettings(IConfiguration configuration, IOptionsFactory<MtaTlsOptions> options, ILoggerFactory loggers) : IDisposable
{
    // Lazy: an invalid section must fail the start of the host, not the building of the application.
    private readonly Lazy<ReloadableOptions<MtaTlsOptions, State>> _options = new(() => new(configuration, options, State.Read, loggers.CreateLogger(LogCategories.Routing)));

    /// <summary>Raised when the settings have changed; <see cref="Current"/> already returns the new ones.</summary>
    public event Action? Changed
    {
        add => _options.Value.Changed += value;
        remove => _options.Value.Changed -= value;
    }

    public State Current => _options.Value.Current;

    public void Dispose()
    {
        if (_options.IsValueCreated)
        {
            _options.Value.Dispose();
        }
    }

    internal sealed record State(MtaTlsOptions Options, ChannelRouteTable Routes, IdentityRule[] Identities)
    {
        // The options were validated before, so there are no errors to collect.
        public static State Read(MtaTlsOptions options) => new(options, ChannelRouteTable.Create(options.Channels, []), IdentityRule.ReadAll(options.IdentityLimits, []));
    }
}
