using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>
/// What is made of options and changes with the configuration, all of it at once: a change that is not valid is logged, every error of it, and what was in force stays so.
/// </summary>
internal sealed class ReloadableOptions<TOptions, TState> : IDisposable
    where TOptions : class
    where TState : class
{
    private readonly IOptionsFactory<TOptions> _factory;
    private readonly Func<TOptions, TState> _create;
    private readonly ILogger _logger;
    private readonly Lock _reload = new();
    private readonly IDisposable _subscription;
    private volatile TState _current;

    /// <exception cref="OptionsValidationException">The options are not valid; the message has all errors.</exception>
    public ReloadableOptions(IConfiguration configuration, IOptionsFactory<TOptions> factory, Func<TOptions, TState> create, ILogger logger)
    {
        _factory = factory;
        _create = create;
        _logger = logger;
        _current = create(factory.Create(Options.DefaultName));
        _subscription = ChangeToken.OnChange(configuration.GetReloadToken, Reload);
    }

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
            }
            catch (Exception e)
            {
                // Whatever it is: an exception here would go to whoever changed the configuration, or end the process.
                _logger.OptionsNotReloaded(typeof(TOptions).Name, e.Message);
            }
        }
    }
}
