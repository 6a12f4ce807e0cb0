using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>
/// A file that <c>MtaTls:Endpoints</c> names for an endpoint. When the configuration names another file, the next handshake uses it. If that file cannot be read, or the endpoint was removed
/// from the configuration, the former content stays in use.
/// </summary>
/// <typeparam name="TSource">The type that reads the file, and reads it again when it changes.</typeparam>
internal abstract class EndpointFile<TSource>
    where TSource : class
{
    private readonly string _endpoint;
    private readonly CurrentSettings _settings;
    private readonly Lock _lock = new();
    private volatile TSource _source;
    private volatile MtaTlsOptions _seen;

    /// <param name="endpoint">The endpoint's name.</param>
    /// <param name="key">The configuration key of the file.</param>
    /// <param name="source">The source that the options name at the start.</param>
    /// <param name="certificates">Creates sources from options.</param>
    /// <param name="settings">The settings as the configuration has them now.</param>
    /// <param name="logger">The log in which a change is reported.</param>
    protected EndpointFile(string endpoint, string key, TSource source, EndpointCertificates certificates, CurrentSettings settings, ILogger logger)
    {
        _endpoint = endpoint;
        Key = key;
        _source = source;
        Certificates = certificates;
        _settings = settings;
        Logger = logger;
        _seen = settings.Current.Options;
    }

    protected string Key { get; }

    protected EndpointCertificates Certificates { get; }

    protected ILogger Logger { get; }

    /// <summary>The source that the configuration names now.</summary>
    protected TSource Source
    {
        get
        {
            if (!ReferenceEquals(_seen, _settings.Current.Options))
            {
                Refresh();
            }

            return _source;
        }
    }

    /// <summary>Returns the source that an endpoint's options name: the present one if they name the same file. Null if they name none, or if it cannot be read; then an error was added.</summary>
    protected abstract TSource? Read(MtaTlsEndpointOptions endpoint, TSource present, ErrorList errors);

    /// <summary>Logs that another source is used from now on.</summary>
    protected abstract void Report(TSource source);

    private void Refresh()
    {
        lock (_lock)
        {
            MtaTlsOptions settings = _settings.Current.Options;
            _seen = settings;
            if (!settings.Endpoints.TryGetValue(_endpoint, out MtaTlsEndpointOptions? endpoint))
            {
                return;
            }

            ErrorList errors = new();
            if (Read(endpoint, _source, errors) is { } source)
            {
                if (!ReferenceEquals(source, _source))
                {
                    _source = source;
                    Report(source);
                }
            }
            else if (errors.All is [string error, ..])
            {
                Logger.CertificateNotReloaded(Key, error);
            }
        }
    }
}
