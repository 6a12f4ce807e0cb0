using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Management;

/// <summary>Sends requests to a running process over its management socket.</summary>
internal sealed class ManagementClient(string path, string command) : IDisposable
{
    private readonly HttpClient _http = ManagementSocket.CreateClient(path);

    public async Task<JsonNode> GetAsync(string address, CancellationToken cancellationToken) =>
        await SendAsync(HttpMethod.Get, address, cancellationToken) ?? throw new ToolException(ExitCode.Failure, $"The process at the management socket {path} sent an empty answer.");

    public async Task<JsonNode?> SendAsync(HttpMethod method, string address, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(method, address);
            using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
            JsonNode? answer = response.Content.Headers.ContentType?.MediaType == "application/json" ? JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken)) : null;
            if (response.IsSuccessStatusCode)
            {
                return answer;
            }

            throw new ToolException(ExitCode.Failure, answer?["error"]?.GetValue<string>() ?? $"The process at the management socket {path} answered with status {(int)response.StatusCode}.", response.StatusCode == HttpStatusCode.NotFound ? $"Check that it is '{command}'." : null);
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied })
        {
            throw new ToolException(ExitCode.NotReachable, $"This user has no access to the management socket {path}.", "Run as the user of the process.", e);
        }
        catch (HttpRequestException e)
        {
            throw new ToolException(ExitCode.NotReachable, $"No process listens on the management socket {path}.", $"Start '{command}', or give its socket with --socket.", e);
        }
    }

    public void Dispose() => _http.Dispose();
}
