using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>
/// The settings that may change while the concentrator runs: identities, tokens, their addresses, and the file of the revocation list. An invalid change is logged, and the former settings
/// stay in use.
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

    /// <param name="factory">Creates validated options.</param>
    /// <param name="sources">Signal changes of the configuration.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="log">The log for invalid changes.</param>
    /// <param name="changed">Called with the new options, one call at a time.</param>
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

    /// <summary>The settings at the start. All settings that cannot change are read from them.</summary>
    public QuicTunnelOptions Initial { get; }

    /// <summary>The current rules about which clients may use the concentrator.</summary>
    public AccessPolicy Policy { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); }

    /// <summary>Checks whether the file of the revocation list has changed. A timer also calls it.</summary>
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
            // The file may be incomplete while it is written. The next change of its time is checked again.
            _log.SettingsNotChanged(exception.Message);
            return;
        }

        _current = options;
        _changed(options);
    }
}
