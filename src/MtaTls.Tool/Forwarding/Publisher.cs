using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using MtaTls.Agent;
using MtaTls.Tool.Gateways;
using MtaTls.Tool.Output;
using MtaTls.Tool.Serving;

namespace MtaTls.Tool.Forwarding;

/// <summary>Publishes local servers at a gateway, as an agent with Forward entries.</summary>
internal sealed class Publisher : IAsyncDisposable
{
    private readonly GatewayRun _run;
    private readonly WebApplication _app;
    private readonly IMtaTlsAgentSessions _sessions;
    private IDisposable? _watch;
    private bool _isRegistered;

    private Publisher(GatewayRun run, WebApplication app)
    {
        _run = run;
        _app = app;
        _sessions = app.Services.GetRequiredService<IMtaTlsAgentSessions>();
    }

    /// <summary>Registers the names. It returns when the gateway has granted them.</summary>
    /// <param name="run">The command's run.</param>
    /// <param name="specs">The names and servers.</param>
    /// <param name="agent">The agent's name; null: the machine's name.</param>
    /// <param name="drain">How long a stop waits for connections in use.</param>
    /// <param name="stop">Ends the attempt.</param>
    /// <exception cref="ToolException">The gateway can't be reached, or refuses a name.</exception>
    public static async Task<Publisher> StartAsync(GatewayRun run, IReadOnlyList<PublishSpec> specs, string? agent, TimeSpan drain, CancellationToken stop)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // Until the names are granted, a failure ends the command, which then names it. Later warnings are about connections to the local servers, or say why the gateway is not reached again.
        bool isStarted = false;
        run.AddLogging(builder.Logging, () => Volatile.Read(ref isStarted) ? LogLevel.Warning : LogLevel.None);
        ServedApplication.LeaveSignals(builder);
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = drain + TimeSpan.FromSeconds(10));
        builder.WebHost.UseMtaTlsAgent(options =>
        {
            run.Apply(options);
            options.Agent = agent;
            options.DrainTimeout = drain;
            foreach (PublishSpec spec in specs)
            {
                options.Forward.Add(new MtaTlsAgentForwardOptions { Name = spec.FullName, Upstream = spec.Upstream.ToString() });
            }
        });
        var publisher = new Publisher(run, builder.Build());
        try
        {
            await publisher._app.StartAsync(stop);
            await publisher.WaitAsync(specs, stop);
            Volatile.Write(ref isStarted, true);
            return publisher;
        }
        catch (OptionsValidationException e)
        {
            await publisher.DisposeAsync();
            throw new ToolException(ExitCode.Usage, e.Message, null, e);
        }
        catch
        {
            await publisher.DisposeAsync();
            throw;
        }
    }

    /// <summary>The public URL of a name; null: the gateway has none.</summary>
    public Uri? PublicUrl(PublishSpec spec) => _sessions.List().Select(s => s.PublicUrls.GetValueOrDefault(spec.Name.ToString())).FirstOrDefault(static u => u is not null);

    /// <summary>Takes no new connections and waits for those in use.</summary>
    public Task DrainAsync() => _app.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        _watch?.Dispose();
        await _app.DisposeAsync();
    }

    private async Task WaitAsync(IReadOnlyList<PublishSpec> specs, CancellationToken stop)
    {
        while (true)
        {
            IChangeToken changed = _sessions.GetChangeToken();
            IReadOnlyList<MtaTlsAgentSessionInfo> sessions = _sessions.List();
            if (sessions.FirstOrDefault(static s => s.Gateway is not null) is { } registered)
            {
                if (specs.FirstOrDefault(s => registered.RefusedNames.ContainsKey(s.Name.ToString()) || registered.RefusedNames.ContainsKey(s.FullName)) is { } refused)
                {
                    string reason = registered.RefusedNames.GetValueOrDefault(refused.FullName) ?? registered.RefusedNames[refused.Name.ToString()];
                    throw new ToolException(ExitCode.RegistrationRefused, $"{_run.Gateway} refused the name {refused.FullName}: {reason}.", "Check MtaTls:Agents:Rules at the gateway, and --cert.");
                }

                _isRegistered = true;
                _watch = ChangeToken.OnChange(_sessions.GetChangeToken, Report);
                return;
            }

            if (sessions.Count > 0 && sessions.All(static s => s.Failure is not null))
            {
                throw Explain(sessions[0]);
            }

            TaskCompletionSource next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            using IDisposable registration = changed.RegisterChangeCallback(static state => ((TaskCompletionSource)state!).TrySetResult(), next);
            await next.Task.WaitAsync(stop);
        }
    }

    private ToolException Explain(MtaTlsAgentSessionInfo session)
    {
        Exception failure = session.Failure!;
        return session.IsRefused
            ? new ToolException(ExitCode.RegistrationRefused, $"{failure.Message.TrimEnd('.')}.", "Check MtaTls:Agents:Rules at the gateway, and --cert.", failure)
            : ConnectFailure.Explain(failure, _run.Gateway, _run.Trust) ?? new ToolException(ExitCode.Failure, failure.Message, null, failure);
    }

    /// <summary>Prints a line when the last session is lost, and when one is registered again.</summary>
    private void Report()
    {
        bool isRegistered = _sessions.List().Any(static s => s.Gateway is not null);
        if (isRegistered == Interlocked.Exchange(ref _isRegistered, isRegistered))
        {
            return;
        }

        _run.Terminal.Note(isRegistered ? $"mtatls: registered with {_run.Gateway} again." : $"mtatls: lost the registration with {_run.Gateway}. Connecting again.");
    }
}
