using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.AspNetCore.Identities;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The state that all MTA-TLS endpoints of the server share.</summary>
internal sealed class MtaTlsServer(IOptions<MtaTlsOptions> options, ChannelDispatcher dispatcher, ServerSessions sessions, ServerShutdown shutdown, MtaTlsMetrics metrics, LimitReports limits, CurrentSettings settings, IServer host, ILoggerFactory loggers, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<BoundEndpoint> _endpoints = [];
    private readonly HashSet<string> _httpsNames = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<(ListenOptions Endpoint, string Obstacle)> _ordinary = []; // guarded by _lock: the endpoints that cannot speak MTA-TLS
    private volatile bool _hasHttps;

    private readonly Lazy<string?> _keyLogFile = new(() => CheckKeyLogFile(options.Value.KeyLogFile, loggers.CreateLogger(LogCategories.Endpoints)));

    public MtaTlsOptions Options { get; } = options.Value;

    public MtaTlsLimits Limits => Options.Limits;

    public MtaTlsReceiveBudget ReceiveBudget => Addresses.ServerBudget;

    /// <summary>The budget for unsent data of all sessions.</summary>
    public MtaTlsSendBudget SendBudget => Addresses.ServerSendBudget;

    /// <summary>The handshakes in progress.</summary>
    public CountLimit Handshakes { get; } = new();

    /// <summary>The sessions, counted from the ClientHello that offers the extension.</summary>
    public CountLimit Sessions { get; } = new();

    /// <summary>The budgets and counts of each client address.</summary>
    public ClientAddresses Addresses { get; } = new(options.Value.Limits);

    /// <summary>The counts of each client with a certificate that a rule of <c>MtaTls:IdentityLimits</c> limits.</summary>
    public ClientIdentities Identities { get; } = new(settings, time);

    public LimitReports LimitReports => limits;

    public ChannelDispatcher Dispatcher => dispatcher;

    /// <summary>The sessions that are open.</summary>
    public ServerSessions LiveSessions => sessions;

    /// <summary>Whether the server is stopping, and when opens are refused.</summary>
    public ServerShutdown Shutdown => shutdown;

    public MtaTlsMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public ILogger EndpointLog { get; } = loggers.CreateLogger(LogCategories.Endpoints);

    public ILogger SessionLog { get; } = loggers.CreateLogger(LogCategories.Sessions);

    public ILogger ChannelLog { get; } = loggers.CreateLogger(LogCategories.Channels);

    /// <summary>The number of endpoints that speak MTA-TLS. Endpoints that a change of the configuration has closed do not count.</summary>
    public int Endpoints
    {
        get
        {
            lock (_lock)
            {
                return _endpoints.Count(e => IsBound(e.Endpoint));
            }
        }
    }

    /// <summary>The endpoints that speak MTA-TLS, with their settings.</summary>
    public BoundEndpoint[] BoundEndpoints
    {
        get
        {
            lock (_lock)
            {
                return [.. _endpoints.Where(e => IsBound(e.Endpoint))];
            }
        }
    }

    /// <summary>Whether any endpoint uses HTTPS, with or without MTA-TLS.</summary>
    public bool HasHttps => _hasHttps;

    /// <summary>The file to which the keys of sessions are written; null if none is set, or if the file cannot be written.</summary>
    public string? KeyLogFile => _keyLogFile.Value;

    /// <summary>The names of the HTTPS endpoints.</summary>
    public string[] HttpsEndpointNames
    {
        get
        {
            lock (_lock)
            {
                return [.. _httpsNames];
            }
        }
    }

    public void EndpointBuilt(bool isHttps, string? name)
    {
        _hasHttps |= isHttps;
        if (isHttps && name is not null)
        {
            lock (_lock)
            {
                _httpsNames.Add(name);
            }
        }
    }

    /// <summary>Returns why the endpoint with this address does not speak MTA-TLS; null if it does, or if its mode is Disabled.</summary>
    public string? Obstacle(string address)
    {
        lock (_lock)
        {
            // Compared now, not when it was added: Kestrel sets the port of an endpoint later.
            return _ordinary.FindLast(e => e.Endpoint.ToString() == address).Obstacle;
        }
    }

    public void EndpointLeft(ListenOptions endpoint, string obstacle)
    {
        lock (_lock)
        {
            _ordinary.Add((endpoint, obstacle));
        }

        EndpointLog.EndpointLeftToKestrel(endpoint.ToString(), obstacle);
    }

    public void EndpointBound(ListenOptions endpoint, EndpointSettings settings)
    {
        lock (_lock)
        {
            _endpoints.RemoveAll(e => !IsBound(e.Endpoint));
            _endpoints.Add(new BoundEndpoint(endpoint, settings));
        }

        // Checks the file now, so that its warning is logged at startup, not with the first handshake.
        _ = KeyLogFile;
        EndpointLog.EndpointBound(endpoint.ToString() ?? "", settings.Name ?? "none", settings.Mode);
    }

    /// <summary>Checks that the key log file can be written. If not, a warning is logged and handshakes work without it, because it is only a debugging aid.</summary>
    private static string? CheckKeyLogFile(string? path, ILogger logger)
    {
        if (path is null)
        {
            return null;
        }

        try
        {
            FileStreamOptions options = new() { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            new FileStream(path, options).Dispose();
            logger.KeysAreLogged(path);
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            logger.KeysNotLogged(path, e.Message);
            return null;
        }
    }

    // Kestrel does not report the end of an endpoint, but it removes the endpoint's address.
    private bool IsBound(ListenOptions endpoint) => host.Features.Get<IServerAddressesFeature>()?.Addresses.Contains(endpoint.ToString() ?? "") == true;
}
