var builder = WebApplication.CreateBuilder(args);

// The app connects to the gateways of the section MtaTlsAgent and opens no port.
builder.WebHost.UseMtaTlsAgent();
builder.Services.AddHealthChecks().AddMtaTlsAgent();

var app = builder.Build();
app.MapGet("/", () => "Hello from behind the gateway!");
app.MapHealthChecks("/health");
app.Run();
