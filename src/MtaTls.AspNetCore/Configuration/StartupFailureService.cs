using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>Logs why the configuration is invalid and fails the start of the host with the same exception, before any endpoint listens.</summary>
internal sealed class StartupFailureService(StartupFailure failure, ILoggerFactory loggers) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (failure.Exception is { } exception)
        {
            string errors = exception is OptionsValidationException invalid ? string.Join(Environment.NewLine, invalid.Failures) : exception.Message;
            loggers.CreateLogger(LogCategories.Configuration).ConfigurationInvalid(Environment.NewLine, errors);
            ExceptionDispatchInfo.Throw(exception);
        }

        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
