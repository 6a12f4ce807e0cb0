using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Management;

/// <summary>
/// The management endpoint of a running gateway or tunnel: HTTP on a Unix socket to which only its own user can connect. Requests on other endpoints can't reach it.
/// </summary>
internal static class ManagementSocket
{
    private const string Name = "management";

    /// <summary>The default path of the socket, in the runtime folder of the service or of the user's session.</summary>
    public static string DefaultPath(string name)
    {
        string? folder = Environment.GetEnvironmentVariable("RUNTIME_DIRECTORY") ?? (Environment.IsPrivilegedProcess ? "/run/mtatls" : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR"));
        return Path.Combine(folder ?? Path.Combine(Path.GetTempPath(), $"mtatls-{Environment.UserName}"), $"{name}.sock");
    }

    /// <summary>Makes the application listen on the socket.</summary>
    /// <exception cref="ToolException">Another process uses the socket, or the folder can't be used.</exception>
    public static void Listen(WebApplicationBuilder builder, string path)
    {
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } folder && !Directory.Exists(folder))
            {
                if (OperatingSystem.IsWindows())
                {
                    Directory.CreateDirectory(folder);
                }
                else
                {
                    Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                }
            }

            RemoveLeftOver(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.CannotListen, $"The management socket {path} cannot be created: {e.Message}", "Choose another path with --socket.", e);
        }

        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(path, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            PrivateEndpoint.Mark(listen, Name);
        }));
        builder.Services.AddHostedService(services => new SocketPermissions(path, services.GetRequiredService<IHostApplicationLifetime>()));
    }

    /// <summary>Maps a branch for the requests of the socket, and only for those.</summary>
    public static void Map(WebApplication app, Action<IApplicationBuilder> configure) => PrivateEndpoint.Map(app, Name, configure);

    /// <summary>Creates a JSON response.</summary>
    public static IResult Json(JsonNode value) => Results.Text(value.ToJsonString(), "application/json");

    /// <summary>Creates an HTTP client for the socket.</summary>
    public static HttpClient CreateClient(string path) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    })
    {
        BaseAddress = new Uri("http://localhost"),
        Timeout = TimeSpan.FromSeconds(60),
    };

    /// <summary>Deletes the file of a socket that a killed process has left.</summary>
    private static void RemoveLeftOver(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            File.Delete(path);
            return;
        }

        throw new ToolException(ExitCode.CannotListen, $"Another process already uses the management socket {path}.", "Stop it, or choose another path with --socket.");
    }

    /// <summary>Restricts the socket to the process's own user, whatever the umask is.</summary>
    private sealed class SocketPermissions(string path, IHostApplicationLifetime lifetime) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            lifetime.ApplicationStarted.Register(() =>
            {
                if (!OperatingSystem.IsWindows())
                {
                    File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                }
            });
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
