using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace MtaTls.Configuration;

/// <summary>
/// State that is created from options and replaced as a whole when the configuration changes. An invalid change is logged with all its errors, and the state does not change.
/// </summary>
internal sealed class ReloadableOptions<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] TOptions, TState> : IDisposable
    where TOptions : class
    where TState : class
{
    private readonly IOptionsFactory<TOptions> _factory;
    private readonly Func<TOptions, TState> _create;
    private readonly ILogger _logger;
    private readonly Lock _reload = new();
    private readonly IDisposable _subscription;
    private volatile TState _current;

    /// <exception cref="OptionsValidationException">The options are invalid; the message has all errors.</exception>
    public ReloadableOptions(IConfiguration configuration, IOptionsFactory<TOptions> factory, Func<TOptions, TState> create, ILogger logger)
    {
        _factory = factory;
        _create = create;
        _logger = logger;
        _current = create(factory.Create(Options.DefaultName));
        _subscription = ChangeToken.OnChange(configuration.GetReloadToken, Reload);
    }

    /// <summary>Raised after the state has changed. A handler must not block.</summary>
    public event Action? Changed;

    public TState Current => _current;

    public void Dispose() => _subscription.Dispose();

    private void Reload()
    {
        lock (_reload)
        {
            try
            {
                _current = _create(_factory.Create(Options.DefaultName));
                _logger.OptionsReloaded(typeof(TOptions).Name);
                Changed?.Invoke();
            }
            catch (Exception e)
            {
                // All exceptions: otherwise the code that changed the configuration would get it, or it would end the process.
                _logger.OptionsNotReloaded(typeof(TOptions).Name, e.Message);
            }
        }
    }
}
