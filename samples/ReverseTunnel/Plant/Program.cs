// What `dotnet new webapp` makes, behind UseMtaTlsAgent(): that is the only line added.
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseMtaTlsAgent();

// Add services to the container.
builder.Services.AddRazorPages();

WebApplication app = builder.Build();

// Configure the HTTP request pipeline.
if (!app.Environment.IsDevelopment())
{
    app.UseExceptionHandler("/Error");
}

app.UseRouting();

app.UseAuthorization();

app.MapStaticAssets();
app.MapRazorPages()
   .WithStaticAssets();

// For the demonstration alone: what was ordered is printed, so that an order that came twice would be seen.
app.MapPost("/orders/{id}", (string id) => Console.WriteLine($"order {id}"));

app.Run();
