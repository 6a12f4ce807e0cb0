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

/// <summary>What all MTA-TLS endpoints of the server share.</summary>
internal sealed class MtaTlsServer(IOptions<MtaTlsOptions> options, ChannelDispatcher dispatcher, ServerSessions sessions, ServerShutdown shutdown, MtaTlsMetrics metrics, LimitReports limits, CurrentSettings settings, IServer host, ILoggerFactory loggers, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<BoundEndpoint> _endpoints = [];
    private readonly HashSet<string> _httpsNames = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<(ListenOptions Endpoint, string Obstacle)> _left = []; // guarded by _lock: the endpoints that are Kestrel's alone
    private volatile bool _hasHttps;

    private readonly Lazy<string?> _keyLogFile = new(() => CheckKeyLogFile(options.Value.KeyLogFile, loggers.CreateLogger(LogCategories.Endpoints)));

    public MtaTlsOptions Options { get; } = options.Value;

    public MtaTlsLimits Limits => Options.Limits;

    public MtaTlsReceiveBudget ReceiveBudget => Addresses.ServerBudget;

    /// <summary>What the buffers of all sessions may hold to be sent.</summary>
    public MtaTlsSendBudget SendBudget => Addresses.ServerSendBudget;

    /// <summary>Handshakes that are under way.</summary>
    public CountLimit Handshakes { get; } = new();

    /// <summary>Sessions, from the ClientHello that asks for one on.</summary>
    public CountLimit Sessions { get; } = new();

    /// <summary>What each client address has of all this.</summary>
    public ClientAddresses Addresses { get; } = new(options.Value.Limits);

    /// <summary>What each client with a certificate has of all this, where rules limit it.</summary>
    public ClientIdentities Identities { get; } = new(settings, time);

    public LimitReports LimitReports => limits;

    public ChannelDispatcher Dispatcher => dispatcher;

    /// <summary>The sessions that are open.</summary>
    public ServerSessions LiveSessions => sessions;

    /// <summary>Whether the server stops, and when.</summary>
    public ServerShutdown Shutdown => shutdown;

    public MtaTlsMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public ILogger EndpointLog { get; } = loggers.CreateLogger(LogCategories.Endpoints);

    public ILogger SessionLog { get; } = loggers.CreateLogger(LogCategories.Sessions);

    public ILogger ChannelLog { get; } = loggers.CreateLogger(LogCategories.Channels);

    /// <summary>How many endpoints speak MTA-TLS; those that a change of the configuration has ended no longer count.</summary>
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

    /// <summary>The endpoints that speak MTA-TLS, with what is settled about them.</summary>
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

    /// <summary>Whether any endpoint that was bound uses HTTPS, be it one that can't speak MTA-TLS.</summary>
    public bool HasHttps => _hasHttps;

    /// <summary>Where the keys of sessions are logged; null: nowhere, also where the file can't be written to.</summary>
    public string? KeyLogFile => _keyLogFile.Value;

    /// <summary>The names of the HTTPS endpoints that were bound so far.</summary>
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

    /// <summary>Why the endpoint with an address was left to Kestrel; null: it was not, or is disabled.</summary>
    public string? Obstacle(string address)
    {
        lock (_lock)
        {
            // Kestrel settles the port of an endpoint after it was built.
            return _left.FindLast(e => e.Endpoint.ToString() == address).Obstacle;
        }
    }

    public void EndpointLeft(ListenOptions endpoint, string obstacle)
    {
        lock (_lock)
        {
            _left.Add((endpoint, obstacle));
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

        // Said at the start, not with the first handshake.
        _ = KeyLogFile;
        EndpointLog.EndpointBound(endpoint.ToString() ?? "", settings.Name ?? "none", settings.Mode);
    }

    /// <summary>The key log is a debugging aid: one that can't be written to is said so, and ends no handshake.</summary>
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

    // Kestrel says nothing when it ends an endpoint; but its addresses are those that it listens on.
    private bool IsBound(ListenOptions endpoint) => host.Features.Get<IServerAddressesFeature>()?.Addresses.Contains(endpoint.ToString() ?? "") == true;
}
