using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>
/// The settings that may change while the concentrator runs: identities, tokens and their addresses, and the revocation list's file. A change that is not valid is logged, and what was before
/// stays.
/// </summary>
internal sealed class ConcentratorSettings : IDisposable
{
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromSeconds(5);

    private readonly IOptionsFactory<QuicTunnelOptions> _factory;
    private readonly List<IDisposable> _subscriptions = [];
    private readonly Action<QuicTunnelOptions> _changed;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private readonly ITimer _timer;
    private (string? Path, DateTime Written) _revocationFile; // guarded by _lock
    private QuicTunnelOptions _current; // guarded by _lock

    /// <param name="factory">Makes validated options.</param>
    /// <param name="sources">Tell when the configuration has changed.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="log">For changes that are not valid.</param>
    /// <param name="changed">Takes new options. One call at a time.</param>
    public ConcentratorSettings(
        IOptionsFactory<QuicTunnelOptions> factory, IEnumerable<IOptionsChangeTokenSource<QuicTunnelOptions>> sources, TimeProvider timeProvider, ILogger log, Action<QuicTunnelOptions> changed)
    {
        (_factory, _log, _changed) = (factory, log, changed);
        Initial = _current = factory.Create(Options.DefaultName);
        Policy = new AccessPolicy(Initial.Authentication);
        _revocationFile = Stamp(Initial);
        foreach (IOptionsChangeTokenSource<QuicTunnelOptions> source in sources)
        {
            _subscriptions.Add(ChangeToken.OnChange(source.GetChangeToken, Reload));
        }

        _timer = timeProvider.CreateTimer(static state => ((ConcentratorSettings)state!).LookAtFile(), this, s_lookInterval, s_lookInterval);
    }

    /// <summary>The settings at the start, which hold for all that cannot change.</summary>
    public QuicTunnelOptions Initial { get; }

    /// <summary>Which clients are let in now.</summary>
    public AccessPolicy Policy { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); }

    /// <summary>Looks whether the revocation list's file has changed; a timer does so as well.</summary>
    public void LookAtFile()
    {
        lock (_lock)
        {
            (string? Path, DateTime Written) stamp = Stamp(_current);
            if (stamp != _revocationFile)
            {
                Use(_current, stamp);
            }
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _subscriptions.ForEach(static subscription => subscription.Dispose());
    }

    private static (string? Path, DateTime Written) Stamp(QuicTunnelOptions options)
    {
        string? path = options.Authentication.RevocationListPath;
        return string.IsNullOrEmpty(path) ? default : (path, File.GetLastWriteTimeUtc(path));
    }

    private void Reload()
    {
        lock (_lock)
        {
            try
            {
                QuicTunnelOptions options = _factory.Create(Options.DefaultName);
                Use(options, Stamp(options));
            }
            catch (Exception exception) when (exception is OptionsValidationException or InvalidOperationException)
            {
                _log.SettingsNotChanged(exception.Message);
            }
        }
    }

    private void Use(QuicTunnelOptions options, (string? Path, DateTime Written) stamp)
    {
        _revocationFile = stamp;
        try
        {
            Policy = new AccessPolicy(options.Authentication);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            // A file that is being written is looked at again.
            _log.SettingsNotChanged(exception.Message);
            return;
        }

        _current = options;
        _changed(options);
    }
}
