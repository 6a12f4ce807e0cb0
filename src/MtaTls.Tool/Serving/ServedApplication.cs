using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Serving;

/// <summary>Runs an application from an appsettings.json: a gateway or a tunnel.</summary>
internal static class ServedApplication
{
    /// <summary>Creates a builder whose configuration is only the file and the environment. The file's folder is the content root.</summary>
    /// <param name="configuration">The file; null: only the environment, and the current folder is the content root.</param>
    public static WebApplicationBuilder CreateBuilder(FileInfo? configuration)
    {
        if (configuration is null)
        {
            return CreateBuilder(Environment.CurrentDirectory, static sources => sources.AddEnvironmentVariables());
        }

        if (!configuration.Exists)
        {
            throw new ToolException(ExitCode.Usage, $"The configuration file {configuration.FullName} does not exist.", "Give it with --config FILE.");
        }

        try
        {
            return CreateBuilder(configuration.DirectoryName!, sources => sources.AddJsonFile(configuration.FullName, optional: false, reloadOnChange: true).AddEnvironmentVariables());
        }
        catch (InvalidDataException e)
        {
            throw new ToolException(ExitCode.Usage, $"{configuration.FullName} is not valid JSON: {e.InnerException?.Message ?? e.Message}", null, e);
        }
    }

    private static WebApplicationBuilder CreateBuilder(string contentRoot, Action<IConfigurationBuilder> addSources)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = contentRoot, EnvironmentName = Environments.Production });
        builder.Configuration.Sources.Clear();
        addSources(builder.Configuration);
        builder.Logging.ClearProviders();
        return builder;
    }

    /// <summary>Adds the logging of a service: Information and above, unless the section Logging changes it.</summary>
    public static void AddLogging(WebApplicationBuilder builder, ParseResult parsed, LoggingOptions logging)
    {
        // The command itself reports a failed start, so the host must not log it too. Requests are logged only if the section Logging asks for it.
        // Data protection warns about keys in memory, but the command protects nothing that outlives the process.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None).AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("Yarp", LogLevel.Warning)
            .AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        builder.Services.AddSystemd();
        logging.AddConsole(parsed, builder.Logging);
    }

    /// <summary>Runs the application until the first signal, then stops it gracefully.</summary>
    /// <param name="app">The application.</param>
    /// <param name="terminal">The command's output.</param>
    /// <param name="stop">Canceled by the first signal.</param>
    /// <param name="instructions">Text to write after the line "ready", when the application has started; null: none.</param>
    public static async Task<int> RunAsync(WebApplication app, Terminal terminal, CancellationToken stop, string? instructions = null)
    {
        await using (app)
        {
            try
            {
                await app.StartAsync(stop);
            }
            catch (Exception e) when (e is OptionsValidationException or InvalidOperationException or FormatException or ArgumentException)
            {
                return terminal.Fail(new ToolException(ExitCode.Usage, e.Message, "Correct the configuration.", e));
            }
            catch (IOException e)
            {
                return terminal.Fail(new ToolException(ExitCode.CannotListen, e.Message, "Another program uses the port, or the port needs root.", e));
            }

            terminal.WriteLine("mtatls: ready.");
            if (instructions is not null)
            {
                terminal.WriteLine(instructions);
            }

            using CancellationTokenRegistration stopping = stop.Register(app.Lifetime.StopApplication);
            await app.WaitForShutdownAsync(CancellationToken.None);
            return ExitCode.Success;
        }
    }

    /// <summary>The option for the configuration file.</summary>
    public static Option<FileInfo> ConfigurationOption() => new("--config", "-c")
    {
        Description = "The configuration file.",
        HelpName = "file",
        DefaultValueFactory = _ => new FileInfo("appsettings.json"),
    };

    /// <summary>The option for the management socket.</summary>
    public static Option<string> SocketOption(string name) => new("--socket")
    {
        Description = "The Unix socket for management.",
        HelpName = "path",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MTATLS_SOCKET") ?? Management.ManagementSocket.DefaultPath(name),
    };

    /// <summary>Replaces the host's signal handling, because the command handles signals itself.</summary>
    public static void LeaveSignals(WebApplicationBuilder builder) => builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();

    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
